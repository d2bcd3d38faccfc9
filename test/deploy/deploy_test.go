package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"

	"tallyman/test/internal/require"
)

// folder is what operators are given, from the folder of these tests.
const folder = "../../deploy"

// output runs a program to its end, and gives all that it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// read decodes a YAML or JSON file.
func read[T any](t *testing.T, name string) T {
	t.Helper()
	var out T
	text, err := os.ReadFile(name)
	if err == nil {
		err = yaml.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// TestPromtool: promtool takes every configuration, and the files that they name.
func TestPromtool(t *testing.T) {
	require.Promtool(t)
	files, err := filepath.Glob(folder + "/*/*.yml")
	if err != nil || len(files) < 6 {
		t.Fatalf("got %q, %v", files, err)
	}
	for _, file := range files {
		if said := output(t, "promtool", "check", "config", file); !strings.Contains(said, "SUCCESS") {
			t.Errorf("%s: %s", file, said)
		}
	}
	t.Logf("promtool takes %q", files)
}

// service is what the tests ask of a service of compose.yaml and stack.yaml.
type service struct {
	Image       string
	Command     []string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	Privileged  bool
	SecurityOpt []string `yaml:"security_opt"`
	Volumes     []string
	Ports       []string
}

type stack struct {
	Services map[string]service
	Configs  map[string]struct{ File string }
}

// TestCompose: the containers have no rights that they need not, what is mounted of the repository is there, and docker compose
// understands the file.
func TestCompose(t *testing.T) {
	s := read[stack](t, folder+"/compose.yaml")
	for name, c := range s.Services {
		if !c.ReadOnly || !slices.Equal(c.CapDrop, []string{"ALL"}) || len(c.CapAdd) > 0 || c.Privileged || !slices.Contains(c.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s has rights that it need not have: %+v", name, c)
		}
		for _, port := range c.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s listens on %s: want loopback", name, port)
			}
		}
		for _, v := range c.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if !strings.HasPrefix(source, ".") {
				continue
			}
			if _, err := os.Stat(filepath.Join(folder, source)); err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
			if !strings.HasSuffix(v, ":ro") {
				t.Errorf("%s may write to %s", name, source)
			}
		}
	}
	sameMounts(t, s.Services["tallyman"], read[stack](t, folder+"/swarm/stack.yaml").Services["tallyman"])
	require.Program(t, "compose", "docker-compose")
	output(t, "docker-compose", "-f", folder+"/compose.yaml", "config", "-q")
}

// sameMounts: a swarm mounts into tallyman what compose does, and README says the same.
func sameMounts(t *testing.T, services ...service) {
	t.Helper()
	readme, err := os.ReadFile(folder + "/../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range services {
		if len(c.Volumes) != 4 || !slices.Equal(c.Volumes, services[0].Volumes) {
			t.Errorf("mounts %q", c.Volumes)
		}
		for _, v := range c.Volumes {
			if !strings.Contains(string(readme), "-v "+v) {
				t.Errorf("README does not mount %s", v)
			}
		}
	}
}

// TestSwarm: docker stack, or compose in its place, understands the file, and its configurations are there.
func TestSwarm(t *testing.T) {
	file := folder + "/swarm/stack.yaml"
	for name, c := range read[stack](t, file).Configs {
		if _, err := os.Stat(filepath.Join(folder, "swarm", c.File)); err != nil {
			t.Errorf("config %s: %v", name, err)
		}
	}
	require.Program(t, "engine", "docker")
	said, err := exec.Command("docker", "stack", "config", "-c", file).CombinedOutput()
	if err != nil && strings.Contains(string(said), "unknown command") || strings.Contains(string(said), "Usage:  docker stack") {
		// A docker older than 23 has no such command; compose knows the format, too.
		require.Program(t, "compose", "docker-compose")
		said, err = exec.Command("docker-compose", "-f", file, "config").CombinedOutput()
	}
	if err != nil || !strings.Contains(string(said), "mode: global") {
		t.Errorf("the stack is not understood: %v: %s", err, said)
	}
}

// TestGrafana: the provisioned dashboards are where compose.yaml mounts them, and the data source is the Prometheus in it.
func TestGrafana(t *testing.T) {
	compose := read[stack](t, folder+"/compose.yaml").Services
	sources := read[struct {
		Datasources []struct {
			Type, URL string
			IsDefault bool `yaml:"isDefault"`
			JSONData  struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}](t, folder+"/grafana/provisioning/datasources/prometheus.yaml").Datasources
	if len(sources) != 1 || sources[0].Type != "prometheus" || sources[0].URL != "http://prometheus:9090" || !sources[0].IsDefault {
		t.Errorf("got %+v", sources)
	}
	settings := read[struct {
		Global struct {
			ScrapeInterval string `yaml:"scrape_interval"`
		}
		RuleFiles []string `yaml:"rule_files"`
	}](t, folder+"/prometheus/prometheus.yml")
	if got := sources[0].JSONData.TimeInterval; got != settings.Global.ScrapeInterval {
		t.Errorf("Grafana thinks that is scraped each %s, Prometheus scrapes each %s", got, settings.Global.ScrapeInterval)
	}
	providers := read[struct {
		Providers []struct{ Options struct{ Path string } }
	}](t, folder+"/grafana/provisioning/dashboards/tallyman.yaml").Providers
	if len(providers) != 1 || !slices.Contains(compose["grafana"].Volumes, "../dashboards:"+providers[0].Options.Path+":ro") {
		t.Errorf("compose.yaml does not mount dashboards/ to where Grafana looks for them: %+v", providers)
	}
	if want := "../dashboards/rules:" + filepath.Dir(settings.RuleFiles[0]) + ":ro"; !slices.Contains(compose["prometheus"].Volumes, want) {
		t.Errorf("compose.yaml does not mount the rules to where Prometheus looks for them: %s", want)
	}
}

// maxExposure is what systemd-analyze may say at most, from 0 = harmless to 10: what is left is that it uses the network and sees /proc.
const maxExposure = 1.4

// TestSystemd: systemd understands the units, finds the service well confined, and the files that they name are in the packages.
func TestSystemd(t *testing.T) {
	require.Program(t, "systemd", "systemd-analyze")
	unit := folder + "/systemd/tallyman.service"
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	// The program is where the packages put it, which is not here.
	scratch := t.TempDir()
	socket, err := os.ReadFile(folder + "/systemd/tallyman.socket")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"tallyman.service": strings.ReplaceAll(string(text), "ExecStart=/usr/bin/tallyman", "ExecStart=/bin/true"), "tallyman.socket": string(socket),
	} {
		if err := os.WriteFile(filepath.Join(scratch, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := output(t, "systemd-analyze", "verify", "--man=no", filepath.Join(scratch, "tallyman.service"), filepath.Join(scratch, "tallyman.socket"))
	if strings.Contains(said, "tallyman") {
		t.Errorf("systemd-analyze verify: %s", said)
	}
	said = output(t, "systemd-analyze", "security", "--offline=yes", "--no-pager", unit)
	m := regexp.MustCompile(`exposure level for tallyman\.service: ([0-9.]+)`).FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("systemd-analyze security: %s", said)
	}
	if exposure, err := strconv.ParseFloat(m[1], 64); err != nil || exposure > maxExposure {
		t.Errorf("systemd-analyze security says %s, want at most %v:\n%s", m[1], maxExposure, said)
	}
	t.Logf("systemd-analyze security: %s", m[0])
	nfpm, err := os.ReadFile(folder + "/package/nfpm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"/usr/bin/tallyman", "/etc/default/tallyman"} {
		if !strings.Contains(string(text), file) || !strings.Contains(string(nfpm), "dst: "+file) {
			t.Errorf("%s is not in the unit, or in no package", file)
		}
	}
}

// TestSeccomp: what docker is given names each system call once, and nothing that changes the machine.
func TestSeccomp(t *testing.T) {
	profile := read[struct {
		DefaultAction string `yaml:"defaultAction"`
		Syscalls      []struct {
			Names  []string
			Action string
		}
	}](t, folder+"/seccomp.json")
	seen := map[string]bool{}
	for _, s := range profile.Syscalls {
		for _, name := range s.Names {
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
		}
	}
	if profile.DefaultAction != "SCMP_ACT_ERRNO" {
		t.Errorf("what is not named is %s", profile.DefaultAction)
	}
	for _, name := range []string{"ptrace", "mount", "bpf", "unshare", "setns", "process_vm_readv", "unlink", "unlinkat", "rename", "mkdir", "chmod", "keyctl"} {
		if seen[name] {
			t.Errorf("%s is allowed: tallyman has no use for it", name)
		}
	}
	if len(seen) < 45 || len(seen) > 200 {
		t.Errorf("%d system calls are allowed: docker's own profile has about 350", len(seen))
	}
}
