// A CoreDNS with only the plug-ins that the local cluster's Corefile names.
//
// Upstream's main package imports every plug-in, among them the SDKs of three
// cloud providers, which cost two minutes of compile time and are never used here.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/rewrite"
)

func main() {
	// The order is upstream's (plugin.cfg): it is the order in which plug-ins see a query.
	dnsserver.Directives = []string{
		"reload",
		"health",
		"ready",
		"prometheus",
		"errors",
		"log",
		"loadbalance",
		"cache",
		"rewrite",
		"loop",
		"kubernetes",
		"forward",
	}
	coremain.Run()
}
