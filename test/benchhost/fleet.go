package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
)

const (
	// label marks what this program made, so that a run can clear away what a killed one left.
	label     = "tallyman.benchhost"
	imageName = "tallyman-benchhost:latest"
	// parallel is how many containers are started or removed at the same time: more does not make the engine faster.
	parallel = 4
	// removeTimeout bounds cleaning up; removing takes about as long as creating.
	removeTimeout = 10 * time.Minute
	// busyboxPath is where Debian's busybox-static is: there is no registry to pull an image from.
	busyboxPath = "/bin/busybox"
)

// fleet is the containers that are measured.
type fleet struct {
	cli      *client.Client
	versions map[string]string // of the engine's parts
	root     string            // the engine's data folder
	ids      []string          // of running containers
}

// newFleet connects to the engine of DOCKER_HOST and loads the image.
func newFleet(ctx context.Context) (*fleet, error) {
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("DOCKER_HOST: %w", err)
	}
	v, err := cli.ServerVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("engine at %s: %w", cli.DaemonHost(), err)
	}
	f := &fleet{cli: cli, versions: map[string]string{"api": v.APIVersion, "kernel": v.KernelVersion}}
	for _, part := range v.Components {
		f.versions[part.Name] = part.Version
	}
	info, err := cli.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("engine at %s: %w", cli.DaemonHost(), err)
	}
	f.root = info.DockerRootDir
	f.versions["cgroup"] = "v" + info.CgroupVersion + " " + info.CgroupDriver
	f.versions["storage"] = info.Driver
	return f, f.importImage(ctx)
}

// importImage makes the image: busybox under the name of the one command that is needed.
func (f *fleet) importImage(ctx context.Context) error {
	busybox, err := os.ReadFile(busyboxPath)
	if err != nil {
		return fmt.Errorf("busybox for the image (Debian package busybox-static): %w", err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := errors.Join(
		w.WriteHeader(&tar.Header{Name: "bin/sleep", Mode: 0o755, Size: int64(len(busybox)), Format: tar.FormatPAX}),
		second(w.Write(busybox)),
		w.Close(),
	); err != nil {
		return err
	}
	answer, err := f.cli.ImageImport(ctx, image.ImportSource{Source: &b, SourceName: "-"}, imageName,
		image.ImportOptions{Changes: []string{"LABEL " + label + "=1"}})
	if err != nil {
		return fmt.Errorf("import image: %w", err)
	}
	defer answer.Close()
	_, err = io.Copy(io.Discard, answer)
	return err
}

func second(_ int, err error) error { return err }

// grow brings the number of running containers to n, taking over those of an earlier run that kept them.
func (f *fleet) grow(ctx context.Context, n int) error {
	old, err := f.list(ctx)
	if err != nil {
		return err
	}
	for _, c := range old {
		if c.State == container.StateRunning && len(f.ids) < n {
			f.ids = append(f.ids, c.ID)
		} else if err := f.remove(ctx, c.ID); err != nil {
			return err
		}
	}
	missing := n - len(f.ids)
	made := make([]string, missing)
	var mu sync.Mutex
	done := 0 // guarded by mu
	err = inParallel(ctx, missing, func(i int) error {
		id, err := f.start(ctx)
		made[i] = id
		mu.Lock()
		defer mu.Unlock()
		if done++; done%50 == 0 {
			progressf("%d of %d containers started", done, missing)
		}
		return err
	})
	f.ids = append(f.ids, made...)
	return err
}

func (f *fleet) list(ctx context.Context) ([]container.Summary, error) {
	return f.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", label))})
}

func (f *fleet) start(ctx context.Context) (string, error) {
	c, err := f.cli.ContainerCreate(ctx, &container.Config{
		Image: imageName, Cmd: []string{"/bin/sleep", "100000"}, Labels: map[string]string{label: "1"},
	}, nil, nil, nil, "")
	if err != nil {
		return "", fmt.Errorf("create container: %w", err)
	}
	if err := f.cli.ContainerStart(ctx, c.ID, container.StartOptions{}); err != nil {
		return "", fmt.Errorf("start container: %w", err)
	}
	return c.ID, nil
}

func (f *fleet) remove(ctx context.Context, id string) error {
	err := f.cli.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil {
		return fmt.Errorf("remove container %.12s: %w", id, err)
	}
	return nil
}

// removeAll leaves nothing behind. It has a time of its own: it runs when the run's has ended, too.
func (f *fleet) removeAll() error {
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	all, err := f.list(ctx)
	if err != nil {
		return fmt.Errorf("list what to remove: %w", err)
	}
	progressf("removing %d containers", len(all))
	err = inParallel(ctx, len(all), func(i int) error { return f.remove(ctx, all[i].ID) })
	_, imageErr := f.cli.ImageRemove(ctx, imageName, image.RemoveOptions{Force: true, PruneChildren: true})
	return errors.Join(err, imageErr, f.cli.Close())
}

// inParallel calls do for 0 to n-1, a few at a time. After an error it starts no further one, and returns the first.
func inParallel(ctx context.Context, n int, do func(int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(parallel, n) {
		workers.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}
