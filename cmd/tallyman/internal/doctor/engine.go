package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tallyman/engine"
	"tallyman/internal/human"
)

const (
	// soon is how long before its end a certificate should be renewed.
	soon = 14 * 24 * time.Hour
	// skew is how far clocks may be apart: less cannot be told from the time that an answer takes.
	skew = 5 * time.Second
)

// Engine checks an engine that has run for a while, or was found to be away. contained says that this process is in a container.
func Engine(e *engine.Engine, contained bool) []Check {
	prefix := ""
	if e.Name() != "" {
		prefix = e.Name() + ": "
	}
	view := e.View()
	checks := []Check{reach(prefix, e, view)}
	if socket, ok := strings.CutPrefix(e.Host(), "unix://"); ok && contained && !exists(socket) {
		checks[0].Fix = fmt.Sprintf("docker run -v %s:%[1]s:ro, or the path that the socket has on the host in front; is dockerd running?", socket)
	}
	checks = append(checks, certificates(prefix, e, time.Now())...)
	if !view.Up {
		return checks
	}
	for _, a := range view.Access {
		name := prefix + "engine " + a.Name
		if a.Reason == "" {
			checks = append(checks, pass(name, "answers"))
			continue
		}
		found, fix := cut(a.Help)
		checks = append(checks, warn(name, found, fix))
	}
	return append(checks, disk(prefix, e.Disk()), clock(prefix, e))
}

// reach says whether the engine answers, and in which version.
func reach(prefix string, e *engine.Engine, v *engine.View) Check {
	name := prefix + "engine"
	if v.Up {
		return pass(name, fmt.Sprintf("%s answers: version %s, API %s, %d containers, %s, %s",
			e.Host(), said(v.Info.Version), said(v.Info.APIVersion), len(v.Containers), said(v.Info.StorageDriver), said(v.Info.OperatingSystem)))
	}
	found, fix := cut(v.Problem)
	if v.Problem == "" || v.Reason == "not_connected" {
		found, fix = e.Host()+" has not answered yet", "is it busy? --engine.timeout says how long it may take"
	}
	if fix == "" {
		fix = "is dockerd running, and is --engine.host its address?"
	}
	return fail(name, found, fix)
}

// cut parts a message of package engine at the colon before what is to be done.
func cut(text string) (found, fix string) {
	found, fix, _ = strings.Cut(text, ": ")
	return found, fix
}

func said(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// disk says whether the engine tells its disk usage.
func disk(prefix string, d *engine.Disk) Check {
	name := prefix + "engine disk usage"
	var told []string
	for _, p := range d.Parts {
		switch p.Reason {
		case "":
			told = append(told, fmt.Sprintf("%s %s", strings.ReplaceAll(string(p.Kind), "_", " "), human.Bytes(p.Bytes)))
		case engine.DiskOff:
			return pass(name, "switched off by --engine.disk-usage-interval=0s")
		case engine.DiskNotAsked:
			return warn(name, "the engine has not told it yet", "it walks all files of containers and volumes for it: raise --engine.disk-usage-timeout if it cannot be told in a minute")
		default:
			return warn(name, p.Problem, "allow GET /system/df, or raise --engine.disk-usage-timeout where it takes too long")
		}
	}
	return pass(name, strings.Join(told, ", ")+fmt.Sprintf("; it took %.1f s", d.Took.Seconds()))
}

// clock says whether the clocks of the engine's host and this one agree.
func clock(prefix string, e *engine.Engine) Check {
	name := prefix + "engine clock"
	ahead, known := e.ClockAhead()
	switch {
	case !known:
		return warn(name, "the engine, or a proxy before it, does not tell the time", "")
	case ahead.Abs() > skew:
		return warn(name, fmt.Sprintf("the engine's clock differs from this host's by %s", ahead.Round(time.Second)),
			"run a time service (chrony, systemd-timesyncd) on both: ages and start times are wrong by that much")
	}
	return pass(name, "agrees with that of this host")
}

// certificates says until when the certificates hold.
func certificates(prefix string, e *engine.Engine, now time.Time) []Check {
	var checks []Check
	for _, c := range e.Certificates() {
		name := prefix + "certificate"
		ends := c.Ends.UTC().Format(time.RFC3339)
		switch left := c.Ends.Sub(now); {
		case left < 0:
			checks = append(checks, fail(name, fmt.Sprintf("%s expired at %s", c.File, ends), "have it renewed; it is read again without a restart"))
		case left < soon:
			checks = append(checks, warn(name, fmt.Sprintf("%s expires at %s, in %d days", c.File, ends, int(left.Hours()/24)), "have it renewed; it is read again without a restart"))
		default:
			checks = append(checks, pass(name, fmt.Sprintf("%s holds until %s", c.File, ends)))
		}
	}
	return checks
}

// Asked says whether an engine was asked for everything that Engine reports.
func Asked(e *engine.Engine) bool {
	const endpoints = 5 // of engine.Access
	v := e.View()
	waits := func(p engine.DiskPart) bool { return p.Reason == engine.DiskNotAsked }
	return !v.Up || len(v.Access) >= endpoints && !slices.ContainsFunc(e.Disk().Parts, waits)
}
