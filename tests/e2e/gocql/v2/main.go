// A reader with github.com/apache/cassandra-gocql-driver/v2: default settings, no retries.
package main

import (
	"log"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"keyward.dev/tests/gocql/reading"
)

func main() {
	reading.Wait()
	settings := reading.FromEnvironment()
	cluster := gocql.NewCluster(settings.Host)
	cluster.Port = 9142
	// 2.1.2 does not step down from version 5 where the answer is of version 4.
	cluster.ProtoVersion = 4
	cluster.SslOpts = &gocql.SslOptions{CaPath: settings.Authority, EnableHostVerification: true}
	cluster.AuthProvider = func(*gocql.HostInfo) (gocql.Authenticator, error) {
		token, err := reading.Token()
		return gocql.PasswordAuthenticator{Username: settings.User, Password: token}, err
	}
	session, err := cluster.CreateSession()
	if err != nil {
		log.Fatal(err)
	}
	reading.Run(settings.PerSecond, func() error { return session.Query(settings.Statement, 1).Exec() })
}
