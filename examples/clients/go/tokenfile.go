// Package tokenfile logs in to an agent of Keyward with the token of a file.
package tokenfile

import (
	"bytes"
	"os"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

// TokenFile is an Authenticator for gocql.ClusterConfig.
type TokenFile struct{ Role, Path string }

// Challenge is called once for each connection.
func (t TokenFile) Challenge([]byte) ([]byte, gocql.Authenticator, error) {
	token, err := os.ReadFile(t.Path)
	return append([]byte("\x00"+t.Role+"\x00"), bytes.TrimSpace(token)...), nil, err
}

// Success takes the server's last word, which is empty.
func (TokenFile) Success([]byte) error { return nil }
