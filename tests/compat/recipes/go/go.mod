module keyward.dev/tests/recipes

go 1.19

require (
	github.com/apache/cassandra-gocql-driver/v2 v2.1.2
	keyward.dev/examples/clients v0.0.0
)

require gopkg.in/inf.v0 v0.9.1 // indirect

replace keyward.dev/examples/clients => ../../../../examples/clients/go
