package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"tallyman/api/metrics"
	"tallyman/cmd/tallyman/internal/doctor"
)

// defineDoctor defines the flags of doctor: those of serve, which it checks, and its own.
func defineDoctor(on flagSet) *config {
	c := defineFlags(on)
	c.defineFormat(on, "text", formJSON)
	c.defineRemote(on)
	c.quick = boolean(on, "quick", "Only ask the tallyman that runs here, or at --url, whether it is healthy: for health checks, which want an answer at once. It is looked for at --web.listen-address.", false)
	return c
}

// runDoctor checks what serve would need with the same flags, or how the tallyman at --url fares.
func runDoctor(ctx context.Context, cfg *config, stdout io.Writer) error {
	checks, err := diagnose(ctx, cfg)
	if err != nil {
		return err
	}
	if cfg.show.format == formJSON {
		if err := doctor.WriteJSON(stdout, checks); err != nil {
			return err
		}
	} else {
		doctor.WriteText(stdout, checks)
	}
	if doctor.Worst(checks) == doctor.Fail {
		return errSaid
	}
	return nil
}

// diagnose makes the checks that were asked for.
func diagnose(ctx context.Context, cfg *config) ([]doctor.Check, error) {
	switch {
	case *cfg.remote.url != "":
		t, err := open(ctx, cfg)
		if err != nil {
			return nil, err
		}
		defer t.close()
		if *cfg.quick {
			return []doctor.Check{doctor.Healthy(ctx, t.Client)}, nil
		}
		return doctor.Remote(ctx, t.Client), nil
	case *cfg.quick:
		return glance(ctx, cfg), nil
	}
	return examine(ctx, cfg), nil
}

// glance asks the tallyman that runs here whether it is healthy, on each address that it should listen on.
func glance(ctx context.Context, cfg *config) []doctor.Check {
	withTLS, err := speaksTLS(*cfg.web.WebConfigFile)
	switch {
	case err != nil:
		return []doctor.Check{doctor.Flag("web config", err)}
	case *cfg.web.WebSystemdSocket:
		return []doctor.Check{doctor.Flag("tallyman", errors.New("systemd knows where it listens: want that address by --url"))}
	}
	var checks []doctor.Check
	for _, address := range *cfg.web.WebListenAddresses {
		if !strings.HasPrefix(address, "vsock://") {
			checks = append(checks, doctor.Quick(ctx, address, withTLS))
		}
	}
	if len(checks) == 0 {
		checks = append(checks, doctor.Flag("tallyman", errors.New("it listens on vsock only, which is not asked: want another --web.listen-address")))
	}
	return checks
}

// examine checks this host.
func examine(ctx context.Context, cfg *config) []doctor.Check {
	checks := examineParts(ctx, cfg)
	if *cfg.groups[metrics.GroupProcess] {
		checks = append(checks, doctor.Trace(cfg.paths()))
	}
	checks = append(checks, doctor.Web(cfg.checkWeb(), *cfg.web.WebConfigFile))
	if *cfg.web.WebSystemdSocket {
		return checks // systemd listens
	}
	for _, address := range *cfg.web.WebListenAddresses {
		if checkAddress(address) == nil && !strings.HasPrefix(address, "vsock://") {
			checks = append(checks, doctor.Port(ctx, address))
		}
	}
	return checks
}

func (c *config) paths() doctor.Paths { return doctor.Paths{RootFS: *c.rootFS, Root: c.root()} }

// examineParts makes the parts of serve, lets them run for a moment, and says what they have found.
func examineParts(ctx context.Context, cfg *config) []doctor.Check {
	var checks []doctor.Check
	log := slog.New(slog.DiscardHandler)
	addresses, err := cfg.engineAddresses()
	cfg.engines = addresses
	p := &program{log: log}
	if err == nil {
		p.engines, err = buildEngines(cfg, log, nil, nil)
	}
	if err != nil {
		checks = append(checks, doctor.Flag("engine flags", err))
	}
	*cfg.maxAge = 0
	kernel, kernelErr := buildKernel(cfg)
	if kernelErr == nil {
		p.assemble(cfg, nil, kernel)
	}
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	p.run(ctx, &background)
	p.settle(ctx)
	p.askAll(ctx)
	contained := doctor.InContainer(cfg.paths())
	for _, e := range p.engines {
		checks = append(checks, doctor.Engine(e, contained)...)
	}
	if kernelErr != nil {
		return append(checks, doctor.NoKernel(kernelErr, cfg.paths(), contained)...)
	}
	s, err := p.collector.Snapshot(ctx)
	if err != nil {
		return append(checks, doctor.Flag("snapshot", fmt.Errorf("the host cannot be read: %w", err)))
	}
	return append(checks, doctor.Kernel(kernel.About(), s, cfg.paths(), contained)...)
}

// askAll waits until the engines were asked for all that is checked, their disk usage among it; not for long.
func (p *program) askAll(ctx context.Context) {
	const patience = 15 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, e := range p.engines {
		e.RefreshDisk()
	}
	waitFor(ctx, func() bool {
		for _, e := range p.engines {
			if !doctor.Asked(e) {
				return false
			}
		}
		return true
	})
}
