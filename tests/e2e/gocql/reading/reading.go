// Package reading sends a read every few milliseconds, whether or not the ones before were answered, and keeps count.
//
// A line on stdin asks for a report; its answer is a line on stdout:
//
//	{"requests": 1000, "failures": ["..."], "longestGap": 0.01}
//
// with the failures' texts and the longest time in seconds without a success since the last report. The program ends
// with stdin.
package reading

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Settings come from the environment of the pod.
type Settings struct {
	Host, User, Statement, Authority string
	PerSecond                        int
}

// FromEnvironment returns what the reader is told.
func FromEnvironment() Settings {
	rate, err := strconv.Atoi(os.Getenv("READER_RATE"))
	if err != nil {
		log.Fatalf("READER_RATE: %v", err)
	}
	return Settings{
		Host:      os.Getenv("READER_HOST"),
		User:      os.Getenv("READER_USER"),
		Statement: os.Getenv("READER_STATEMENT"),
		Authority: "/etc/keyward/ca.crt",
		PerSecond: rate,
	}
}

// Token reads the projected token of this moment.
func Token() (string, error) {
	token, err := os.ReadFile("/var/run/secrets/keyward.dev/token")
	return strings.TrimSpace(string(token)), err
}

type report struct {
	Requests   int      `json:"requests"`
	Failures   []string `json:"failures"`
	LongestGap float64  `json:"longestGap"`
}

type counter struct {
	mutex     sync.Mutex
	report    report
	succeeded time.Time
}

func (c *counter) count(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	now := time.Now()
	c.report.Requests++
	if err != nil {
		c.report.Failures = append(c.report.Failures, now.UTC().Format("15:04:05.000")+" "+err.Error())
		return
	}
	c.gap(now)
	c.succeeded = now
}

func (c *counter) gap(now time.Time) {
	if gap := now.Sub(c.succeeded).Seconds(); gap > c.report.LongestGap {
		c.report.LongestGap = gap
	}
}

func (c *counter) take() report {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.gap(time.Now())
	taken := c.report
	c.report = report{Failures: []string{}}
	return taken
}

// Run reads at the given rate until stdin ends.
func Run(perSecond int, read func() error) {
	counter := &counter{report: report{Failures: []string{}}, succeeded: time.Now()}
	go func() {
		for range time.Tick(time.Second / time.Duration(perSecond)) {
			go func() { counter.count(read()) }()
		}
	}()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := json.NewEncoder(os.Stdout).Encode(counter.take()); err != nil {
			log.Fatal(err)
		}
	}
}

// Wait keeps the pod alive, in which the reader is then run.
func Wait() {
	if len(os.Args) > 1 && os.Args[1] == "wait" {
		select {}
	}
}
