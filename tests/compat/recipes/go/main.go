// A client that lives on: one query for each line of its input. `main ADDRESS PORT CA ROLE TOKEN_FILE`.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	tokenfile "keyward.dev/examples/clients"
)

func main() {
	cluster := gocql.NewCluster(os.Args[1])
	cluster.Port, _ = strconv.Atoi(os.Args[2])
	cluster.SslOpts = &gocql.SslOptions{CaPath: os.Args[3], EnableHostVerification: true}
	cluster.Authenticator = tokenfile.TokenFile{Role: os.Args[4], Path: os.Args[5]}
	cluster.ReconnectInterval = time.Second
	cluster.Timeout, cluster.ConnectTimeout = 20*time.Second, 20*time.Second
	session, err := cluster.CreateSession()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(answer(session))
	}
}

// answer asks again for a while: the connection may have ended, and a new one be on its way.
func answer(session *gocql.Session) string {
	deadline := time.Now().Add(60 * time.Second)
	for {
		var key string
		err := session.Query("SELECT key FROM system.local").Scan(&key)
		if err == nil {
			return key
		}
		if time.Now().After(deadline) {
			return err.Error()
		}
		time.Sleep(500 * time.Millisecond)
	}
}
