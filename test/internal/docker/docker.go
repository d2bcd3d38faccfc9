package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// commandTimeout bounds one docker command: an emulated machine takes minutes for what takes a tenth of a second elsewhere, when it
// has crashing containers and health checks to attend to.
const commandTimeout = 10 * time.Minute

// Engine is a Docker Engine, by its address. It is safe for concurrent use.
type Engine struct {
	// Host is what DOCKER_HOST takes.
	Host string
}

// Default is the engine that DOCKER_HOST, or docker's own configuration, names.
func Default() Engine {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return Engine{Host: host}
	}
	return Engine{Host: "unix:///var/run/docker.sock"}
}

// Try runs a docker command and returns its standard output, without the newline at its end.
func (e Engine) Try(args ...string) (string, error) {
	return e.feed(nil, args...)
}

// Run is Try that ends the test on an error.
func (e Engine) Run(t testing.TB, args ...string) string {
	t.Helper()
	out, err := e.Try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Import makes an image of a tar archive.
func (e Engine) Import(t testing.TB, archive []byte, args ...string) {
	t.Helper()
	if _, err := e.feed(archive, append([]string{"import"}, args...)...); err != nil {
		t.Fatal(err)
	}
}

// Remove removes a container when the test has ended, if it is there.
func (e Engine) Remove(t testing.TB, name string) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := e.Try("rm", "-fv", name); err != nil && !strings.Contains(err.Error(), "No such container") {
			t.Error(err)
		}
	})
}

func (e Engine) feed(stdin []byte, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+e.Host, "DOCKER_CONTEXT=")
	cmd.Stdin = bytes.NewReader(stdin)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %v", commandTimeout)
		}
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(problems.String()))
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// Container is the part of "docker inspect" that the tests ask for.
type Container struct {
	ID           string `json:"Id"`
	Name         string // with the slash in front, as the engine has it
	Created      time.Time
	Image        string // the image's id
	RestartCount float64
	State        struct {
		Status     string
		Pid        int
		ExitCode   float64
		Error      string // why it could not be started
		OOMKilled  bool
		StartedAt  time.Time // the year 1 = never
		FinishedAt time.Time
		Health     *struct {
			Status        string
			FailingStreak float64
		}
	}
	Config struct {
		Image  string // as the user named it
		Labels map[string]string
	}
	HostConfig struct {
		NetworkMode   string
		Memory        float64
		Runtime       string
		RestartPolicy struct{ Name string }
		LogConfig     struct{ Type string }
	}
}

// HasProcesses says whether it runs now, be it paused.
func (c *Container) HasProcesses() bool {
	return c.State.Pid > 0 && slices.Contains([]string{"running", "paused"}, c.State.Status)
}

// OwnsNetwork says whether it has a network namespace of its own.
func (c *Container) OwnsNetwork() bool {
	return c.HostConfig.NetworkMode != "host" && !strings.HasPrefix(c.HostConfig.NetworkMode, "container:")
}

// Image is the part of "docker image inspect" that the tests ask for.
type Image struct {
	ID      string `json:"Id"`
	Created time.Time
}

// Image returns the image that a name, a tag or an id stands for now; nil = none.
func (e Engine) Image(t testing.TB, name string) *Image {
	t.Helper()
	out, err := e.Try("image", "inspect", name)
	if err != nil && strings.Contains(err.Error(), "No such image") {
		return nil
	}
	var list []*Image
	if err == nil {
		err = json.Unmarshal([]byte(out), &list)
	}
	if err != nil || len(list) != 1 {
		t.Fatalf("docker image inspect %s: %d images: %v", name, len(list), err)
	}
	return list[0]
}

// Inspect returns containers by name, without the slash.
func (e Engine) Inspect(t testing.TB, names ...string) map[string]*Container {
	t.Helper()
	var list []*Container
	if err := json.Unmarshal([]byte(e.Run(t, append([]string{"inspect", "--type", "container"}, names...)...)), &list); err != nil {
		t.Fatalf("docker inspect: %v", err)
	}
	out := make(map[string]*Container, len(list))
	for _, c := range list {
		out[strings.TrimPrefix(c.Name, "/")] = c
	}
	return out
}

// Containers returns all containers whose name begins with a prefix, in every state.
func (e Engine) Containers(t testing.TB, prefix string) map[string]*Container {
	t.Helper()
	ids := strings.Fields(e.Run(t, "ps", "-aq", "--no-trunc", "--filter", "name=^/?"+prefix))
	if len(ids) == 0 {
		t.Fatalf("%s has no containers named %s…", e.Host, prefix)
	}
	return e.Inspect(t, ids...)
}
