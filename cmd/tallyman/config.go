package main

import (
	"errors"
	"fmt"
	"net"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"tallyman/api/metrics"
	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

const (
	defaultAddress = ":10180"
	defaultHost    = "unix:///var/run/docker.sock"
)

// config is what the flags and the environment say. A command that lacks a flag has its default.
type config struct {
	command string
	remote  remoteFlags
	show    showFlags

	web      *web.FlagConfig
	log      *promslog.Config
	pprof    *bool
	quick    *bool
	logs     *bool
	sd       *bool
	rootFS   *string
	procFS   *string
	cgroupFS *string

	engineHosts      *[]string
	engineTLSDirs    *[]string
	engineTimeout    *time.Duration
	engineResync     *time.Duration
	engineStaleAfter *time.Duration
	diskInterval     *time.Duration
	diskTimeout      *time.Duration
	diskTop          *int
	maxAge           *time.Duration
	memoryDetail     *bool
	maxSeries        *int
	readFrom         collector.Source
	groups           map[metrics.Group]*bool
	slices           *[]string
	hiddenInterfaces *[]string
	labels           *[]string
	labelsOnAll      bool
	historyInterval  *time.Duration
	historyMemory    *int

	dockerTLSVerify  bool
	dockerCertPath   string
	dockerAPIVersion string
	// engineHostFrom names where engineHosts was set, for error messages.
	engineHostFrom string
	// engines is what engineHosts and engineTLSDirs say.
	engines []engineAddress
}

// defineFlags lists every flag of serve.
func defineFlags(on flagSet) *config {
	c := newConfig(on.command)
	c.web = kingpinflag.AddFlags(on, defaultAddress)
	c.logs = boolean(on, logsFlag, "Show the last lines that containers have written, on their pages and in the JSON. They may hold secrets: hence only where --web.listen-address is on loopback, or --web.config.file asks for passwords or client certificates.", false)
	c.sd = boolean(on, "web.sd", "Offer containers that ask for it by the label prometheus.io/scrape=true to Prometheus, under /api/v1/sd for its http_sd_configs.", false)
	c.pprof = boolean(on, "web.enable-pprof", "Serve profiles of tallyman itself under /debug/pprof.", false)

	c.defineEngine(on)
	c.engineResync = duration(on, "engine.resync", "How often all containers are listed again, to heal what events missed.", "10m")
	c.engineStaleAfter = duration(on, "engine.stale-after", "How long what the engine said last is served while it is away.", "5m")

	c.diskInterval = duration(on, "engine.disk-usage-interval", "How often the engine is asked for its disk usage, which it finds by walking all files of containers and volumes; 0s = never.", "5m")
	c.defineDiskTimeout(on)
	c.definePaths(on)

	c.maxAge = duration(on, "collector.max-age", "How long one reading of the kernel is shared by all who ask; 0s = read for everybody.", "1s")
	c.defineReading(on)
	for _, g := range metrics.Groups() {
		c.groups[g.Name] = boolean(on, g.Name.Flag(), g.Help, g.Default)
	}
	c.memoryDetail = boolean(on, "collector.memory-detail", "Read memory.stat, the costliest of a container's files. Without it the group memory is usage, peak, limits and events only: no working set, page cache and faults.", true)
	c.maxSeries = whole(on, "collector.max-series", "How many series may be served, but for tallyman's own: beyond, whole groups are left out, which tallyman_group_left_out tells; 0 = any number.", 0)
	c.diskTop = whole(on, "collector.disk-top", "How many images and volumes have metrics of their own, the largest; the rest is summed up.", 50)
	c.slices = list(on, "collector.slices", "Further cgroups to read, such as /system.slice/*.service: paths separated by commas, in which *, ? and [] are as in a shell. The host itself, /, is always read.",
		"/", "paths of cgroups such as /system.slice/*.service, separated by commas", cgroups.CheckSlice)
	c.labels = list(on, "collector.container-labels", "Labels of containers to serve as container_label_<key>: keys separated by commas, in which *, ? and [] are as in a shell.",
		"", "keys of labels such as com.docker.compose.*, separated by commas", checkGlob)
	choice(on, "collector.container-labels-on", "Which metrics carry them: info = container_info, to be joined by id; all = every metric of a container, as dashboards made for cAdvisor expect.",
		"info", []string{"info", "all"}, c.setLabelsOn)
	c.historyInterval = duration(on, "history.interval", "How long nobody may ask until the containers are read for the history of the last 10 minutes, and for what is said of runs that have ended; 0s = just what somebody asks for is remembered.", "30s")
	c.historyMemory = size(on, "history.memory", "How much memory the history may take. For many containers there are fewer points of each; 0 = there is no history.", "8MB")
	c.log = &promslog.Config{Level: promslog.NewLevel(), Format: promslog.NewFormat()}
	choice(on, "log.level", "Least important messages to log.", "info", promslog.LevelFlagOptions, c.log.Level.Set)
	choice(on, "log.format", "Form of the log.", "logfmt", promslog.FormatFlagOptions, c.log.Format.Set)
	return c
}

// defineEngine defines the flags that say which engines there are.
func (c *config) defineEngine(on flagSet) {
	c.engineHosts = on.Flag("engine.host", "The Docker Engine: unix:///path, tcp://host:port. For several, repeat it with a name each, name=tcp://host:port: all that belongs to one then has the label engine. For a single one DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH and DOCKER_API_VERSION mean what they mean to docker.").Default(defaultHost).Strings()
	c.engineTLSDirs = on.Flag("engine.tls-dir", "Folder with ca.pem, cert.pem and key.pem for an engine at tcp://, which must then show a certificate of that authority. With several engines, repeat it as name=folder.").Strings()
	c.engineTimeout = duration(on, "engine.timeout", "How long one request to the engine may take.", "10s")
}

func (c *config) defineDiskTimeout(on flagSet) {
	c.diskTimeout = duration(on, "engine.disk-usage-timeout", "How long the engine may take for its disk usage, for each of containers, images, build cache and volumes.", "1m")
}

// definePaths defines the flags that say where the host's file systems are.
func (c *config) definePaths(on flagSet) {
	c.rootFS = on.Flag("path.rootfs", "Where the host's root is mounted.").Default("/").String()
	c.procFS = on.Flag("path.procfs", "Where the host's /proc is mounted (default: proc below --path.rootfs).").String()
	c.cgroupFS = on.Flag("path.cgroupfs", "Where the host's cgroups are mounted (default: sys/fs/cgroup below --path.rootfs).").String()
}

// defineReading defines the flags that say which numbers of containers are read.
func (c *config) defineReading(on flagSet) {
	choice(on, "collector.source", "Where the numbers of containers are read: cgroup = the kernel's files on this host; engine = the statistics of the engine, which cost it far more; auto = the files, and the engine for containers that have none here.",
		"auto", []string{"auto", "cgroup", "engine"}, c.setReadFrom)
	c.hiddenInterfaces = list(on, "collector.network.interface-exclude", "Network interfaces to leave out: names separated by commas, in which *, ? and [] are as in a shell.",
		"lo,veth*,docker*", "names of network interfaces such as veth*, separated by commas", checkGlob)
}

// check refuses what can be seen to be wrong before anything is started.
func (c *config) check() error {
	if c.command == cmdDoctor {
		return nil // it tells what is wrong among the rest
	}
	if err := c.checkWeb(); err != nil {
		return err
	}
	var err error
	c.engines, err = c.engineAddresses()
	return err
}

// checkWeb refuses what is wrong with where and how it is to listen.
func (c *config) checkWeb() error {
	for _, address := range *c.web.WebListenAddresses {
		if err := checkAddress(address); err != nil {
			return fmt.Errorf("--web.listen-address: %w", err)
		}
	}
	if err := web.Validate(*c.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file %q: %s: want a readable file as https://prometheus.io/docs/guides/tls-encryption describes it", *c.web.WebConfigFile, oneLine(err))
	}
	return c.checkLogs()
}

func checkAddress(address string) error {
	if strings.HasPrefix(address, "vsock://") {
		return nil // checked by exporter-toolkit
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q is no address: want host:port with a port from 0 to 65535, for example %s or 127.0.0.1%s", address, defaultAddress, defaultAddress)
	}
	return nil
}

// source names where the option of the engine that err refuses was set.
func (c *config) source(err error) string {
	var option *engine.OptionError
	if !errors.As(err, &option) {
		return c.engineHostFrom
	}
	switch option.Option {
	case "CertPath":
		if len(*c.engineTLSDirs) > 0 {
			return "--engine.tls-dir"
		}
		return "DOCKER_CERT_PATH"
	case "APIVersion":
		return "DOCKER_API_VERSION"
	case "Timeout":
		return "--engine.timeout"
	}
	return c.engineHostFrom
}

// root gives the places of the host's file systems.
func (c *config) root() cgroups.Root {
	r := cgroups.Root{ProcFS: *c.procFS, CgroupFS: *c.cgroupFS}
	if r.ProcFS == "" {
		r.ProcFS = filepath.Join(*c.rootFS, "proc")
	}
	if r.CgroupFS == "" {
		r.CgroupFS = filepath.Join(*c.rootFS, "sys/fs/cgroup")
	}
	return r
}

// checkGlob says what is wrong with a pattern.
func checkGlob(pattern string) error {
	_, err := path.Match(pattern, "")
	return err
}

// matcher says whether a word is like any of the patterns, in which * stands for slashes, too: keys of labels have some.
func matcher(patterns []string) func(word string) bool {
	plain := strings.NewReplacer("/", "\x1f")
	return func(word string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			ok, _ := path.Match(plain.Replace(pattern), plain.Replace(word)) // the patterns were checked when they were read
			return ok
		})
	}
}

// setReadFrom reads --collector.source.
func (c *config) setReadFrom(s string) error {
	switch s {
	case "auto":
		c.readFrom = ""
	case "cgroup":
		c.readFrom = collector.SourceCgroup
	case "engine":
		c.readFrom = collector.SourceEngine
	default:
		return strconv.ErrSyntax
	}
	return nil
}

// diskUsage says how the engines are asked for their disk usage.
func (c *config) diskUsage() engine.DiskUsageOptions {
	o := engine.DiskUsageOptions{Interval: *c.diskInterval, Timeout: *c.diskTimeout, Top: *c.diskTop}
	// To the engine, 0 is its default.
	if o.Interval == 0 {
		o.Interval = -1
	}
	if o.Top == 0 {
		o.Top = -1
	}
	return o
}

// setLabelsOn reads --collector.container-labels-on.
func (c *config) setLabelsOn(s string) error {
	if s != "info" && s != "all" {
		return strconv.ErrSyntax
	}
	c.labelsOnAll = s == "all"
	return nil
}

// selection is the set of groups that are switched on.
func (c *config) selection() metrics.Selection {
	var s metrics.Selection
	for g, on := range c.groups {
		s = s.With(g, *on)
	}
	return s
}

// parts are the kernel readings that the groups need.
func (c *config) parts() cgroups.Parts {
	parts := cgroups.NoParts
	for g, part := range map[metrics.Group]cgroups.Parts{
		metrics.GroupCPU: cgroups.PartCPU, metrics.GroupMemory: cgroups.PartMemory, metrics.GroupOOM: cgroups.PartMemory,
		metrics.GroupPids: cgroups.PartPids, metrics.GroupPressure: cgroups.PartPressure, metrics.GroupIO: cgroups.PartIO,
		metrics.GroupBlkio: cgroups.PartIO, metrics.GroupNetwork: cgroups.PartNetwork, metrics.GroupPerCPU: cgroups.PartPerCPU,
		metrics.GroupHugetlb: cgroups.PartHugetlb, metrics.GroupNUMA: cgroups.PartNUMA, metrics.GroupProcess: cgroups.PartProcess,
		metrics.GroupTCP: cgroups.PartTCP, metrics.GroupUDP: cgroups.PartUDP,
	} {
		if *c.groups[g] {
			parts |= part
		}
	}
	if *c.groups[metrics.GroupMemory] && *c.memoryDetail {
		parts |= cgroups.PartMemoryStat
	}
	return parts
}

// oneLine keeps an error message on one line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
