// The front end of cAdvisor as the tests need it: upstream's manager and Prometheus collectors, and of the official
// image's flags those that compose.yml may give.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/google/cadvisor/cache/memory"
	"github.com/google/cadvisor/container"
	_ "github.com/google/cadvisor/container/docker/install"
	v2 "github.com/google/cadvisor/info/v2"
	"github.com/google/cadvisor/manager"
	"github.com/google/cadvisor/metrics"
	"github.com/google/cadvisor/utils/sysfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/utils/clock"
)

var (
	listen       = flag.String("listen_ip", "", "address to listen on; empty: all")
	port         = flag.Int("port", 8080, "port to listen on")
	dynamic      = flag.Bool("allow_dynamic_housekeeping", true, "longer pauses for a container that is idle")
	storeLabels  = flag.Bool("store_container_labels", true, "all labels of a container become labels of its metrics")
	whitelisted  = flag.String("whitelisted_container_labels", "", "labels to keep when not all are, by comma")
	disabled     = flag.String("disable_metrics", "", "kinds of metrics to leave out, by comma")
	paths        = flag.String("raw_cgroup_prefix_whitelist", "/docker", "cgroups beside the containers, by comma")
)

// All kinds that 0.38 collects without a flag of its own.
func chooseMetrics() container.MetricSet {
	chosen := container.MetricSet{
		container.CpuUsageMetrics: {}, container.MemoryUsageMetrics: {}, container.CpuLoadMetrics: {},
		container.DiskIOMetrics: {}, container.DiskUsageMetrics: {}, container.NetworkUsageMetrics: {},
		container.ProcessMetrics: {}, container.AppMetrics: {},
	}
	for _, name := range strings.Split(*disabled, ",") {
		delete(chosen, container.MetricKind(name))
	}
	return chosen
}

func chooseLabels() metrics.ContainerLabelsFunc {
	if *storeLabels {
		return metrics.DefaultContainerLabels
	}
	return metrics.BaseContainerLabels(strings.Split(*whitelisted, ","))
}

func main() {
	flag.Parse()
	chosen := chooseMetrics()
	pause := manager.HousekeepingInterval // upstream's own flag, --housekeeping_interval
	found, err := manager.New(
		memory.New(2*time.Minute, nil), sysfs.NewRealSysFs(),
		manager.HouskeepingConfig{Interval: pause, AllowDynamic: dynamic},
		chosen, http.DefaultClient, strings.Split(*paths, ","), "")
	if err != nil {
		log.Fatal(err)
	}
	if err := found.Start(); err != nil {
		log.Fatal(err)
	}
	options := v2.RequestOptions{IdType: v2.TypeName, Count: 1, Recursive: true}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		metrics.NewPrometheusCollector(found, chooseLabels(), chosen, clock.RealClock{}, options),
		metrics.NewPrometheusMachineCollector(found, chosen))
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	log.Fatal(http.ListenAndServe(fmt.Sprintf("%s:%d", *listen, *port), nil))
}
