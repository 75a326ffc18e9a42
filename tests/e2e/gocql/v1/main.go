// A reader with github.com/gocql/gocql: default settings, no retries.
package main

import (
	"log"

	"github.com/gocql/gocql"

	"keyward.dev/tests/gocql/reading"
)

func main() {
	reading.Wait()
	settings := reading.FromEnvironment()
	cluster := gocql.NewCluster(settings.Host)
	cluster.Port = 9142
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
