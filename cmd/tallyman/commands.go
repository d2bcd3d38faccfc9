package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"tallyman/api/metrics"
	"tallyman/cmd/tallyman/internal/listing"
)

// The commands.
const (
	cmdServe  = "serve"
	cmdDf     = "df"
	cmdPs     = "ps"
	cmdTop    = "top"
	cmdDoctor = "doctor"
)

// errDone ends the program after --help and --version.
var errDone = errors.New("done")

// remoteFlags say which tallyman is asked; without a URL, the parts in this process are.
type remoteFlags struct {
	url, caFile, configFile *string
}

// showFlags say what of it is shown, and how.
type showFlags struct {
	format   string
	sort     listing.Sort
	all      bool
	states   []string
	name     string
	interval *time.Duration
}

// newConfig is the configuration of a command before its flags are defined: what no flag says is the default.
func newConfig(command string) *config {
	c := &config{command: command, engineHostFrom: "--engine.host", groups: map[metrics.Group]*bool{}}
	c.remote = remoteFlags{new(string), new(string), new(string)}
	return c
}

// defaults is a configuration in which every flag of serve has its default, for commands that have not all of them.
func defaults(command string) *config {
	app := kingpin.New(command, "")
	c := defineFlags(flagSet{app, command})
	if _, err := app.Parse(nil); err != nil {
		panic(err) // a default is wrong
	}
	return c
}

// parseConfig reads flags and environment. The error is one line that names flag, value and what would be right, or errDone.
func parseConfig(args []string, getenv func(string) string, stdout io.Writer) (*config, error) {
	app := kingpin.New("tallyman", "Exporter for Docker hosts: what the Docker Engine and the kernel say about containers, as Prometheus metrics, JSON and a status page.")
	done, failed := false, false
	var problem, told bytes.Buffer
	app.Terminate(func(code int) { done, failed = true, failed || code != 0 })
	app.UsageWriter(&told)
	app.ErrorWriter(&problem)
	app.UsageTemplate(usageTemplate)
	app.Version(versionText())
	app.HelpFlag.Short('h')
	configs := map[string]*config{}
	for _, c := range commands(app, getenv) {
		configs[c.command] = c
	}
	if len(args) == 2 && args[0] == "--completion-bash" && !strings.HasPrefix(args[1], "-") {
		args = []string{args[0], ""} // kingpin completes no command beside a default one; of all, the shell picks those that begin so
	}
	command, err := app.Parse(args)
	switch {
	case failed:
		return nil, fmt.Errorf("%s (tallyman --help lists the commands and flags)", strings.TrimPrefix(oneLine(errors.New(problem.String())), "tallyman: error: "))
	case done:
		_, _ = told.WriteTo(stdout)
		return nil, errDone
	case err != nil:
		return nil, fmt.Errorf("%w (%s)", err, hint(args, configs))
	}
	c := configs[command]
	if !slices.Equal(*c.engineHosts, []string{getenv("DOCKER_HOST")}) {
		c.engineHostFrom = "--engine.host"
	}
	c.dockerTLSVerify = getenv("DOCKER_TLS_VERIFY") != ""
	c.dockerCertPath = getenv("DOCKER_CERT_PATH")
	c.dockerAPIVersion = getenv("DOCKER_API_VERSION")
	return c, c.check()
}

// hint says what may help who has written something that is not understood.
func hint(args []string, configs map[string]*config) string {
	for i, arg := range args {
		if configs[arg] == nil {
			continue
		}
		if i > 0 {
			return "the command comes first, its flags follow: tallyman " + arg + " --flag"
		}
		return "tallyman help " + arg + " lists its flags"
	}
	return "tallyman --help lists the flags"
}

// commands lists every command with its flags.
func commands(app *kingpin.Application, getenv func(string) string) []*config {
	serve := app.Command(cmdServe, "Serve metrics, JSON and the status page: what runs where no command is named.").Default()
	df := app.Command(cmdDf, "Disk usage as docker system df prints it.")
	ps := app.Command(cmdPs, "A table of all containers in every state: what they use of what they may, and what is the matter with them.")
	top := app.Command(cmdTop, "The same, live.")
	doctor := app.Command(cmdDoctor, "Check what serve needs on this host, and say how to mend what is missing.")
	all := map[*kingpin.CmdClause]*config{}
	define := func(cmd *kingpin.CmdClause, define func(flagSet) *config) *config {
		on := flagSet{cmd, cmd.FullCommand()}
		c := define(on)
		all[cmd] = c
		twinEnvironment(on, cmd.Model().Flags, getenv)
		if host := getenv("DOCKER_HOST"); host != "" && getenv(envName("engine.host")) == "" {
			cmd.GetFlag("engine.host").Default(host)
			c.engineHostFrom = "DOCKER_HOST"
		}
		return c
	}
	return []*config{
		define(serve, defineFlags), define(df, defineDf), define(ps, definePs), define(top, defineTop), define(doctor, defineDoctor),
	}
}

// defineRemote defines the flags that name a running tallyman.
func (c *config) defineRemote(on flagSet) {
	c.remote.url = on.Flag("url", "Ask the tallyman that runs there, http://host:10180 or https://user:password@host/prefix, in place of this host.").String()
	c.remote.caFile = on.Flag("url.ca-file", "File with the authorities, in PEM form, that the certificate at --url is checked against.").String()
	c.remote.configFile = on.Flag("url.config.file", "File that says how --url is reached (TLS, passwords, tokens, proxies), as promtool's --http.config.file: https://prometheus.io/docs/prometheus/latest/configuration/promtool/").String()
}

// defineFormat defines how the answer is printed; the first form is the default.
func (c *config) defineFormat(on flagSet, forms ...string) {
	choice(on, "format", "Form of the answer.", forms[0], forms, func(s string) error {
		if !slices.Contains(forms, s) {
			return strconv.ErrSyntax
		}
		c.show.format = s
		return nil
	})
}

// defineSort defines the order of containers.
func (c *config) defineSort(on flagSet) {
	names := listing.SortNames()
	on.Flag("sort", "What comes first; with a - before it, what comes last. One of: "+strings.Join(names, ", ")+".").Default(names[0]).SetValue(&flagValue{
		flag: "sort", env: on.env("sort"), want: "one of " + strings.Join(names, ", ") + ", or one with a - before it",
		set: func(s string) (err error) {
			c.show.sort, err = listing.FindSort(s)
			return err
		},
	})
}

// usageTemplate is the usage in kingpin's language. Without a command it lists the flags of serve, too, which need none.
const usageTemplate = `{{define "FormatCommand" -}}
{{if .FlagSummary}} {{.FlagSummary}}{{end -}}
{{range .Args}} {{if not .Required}}[{{end}}<{{.Name}}>{{if not .Required}}]{{end}}{{end -}}
{{end -}}
{{define "FormatCommands" -}}
{{range .FlattenedCommands -}}
{{if not .Hidden}}  {{.FullCommand}}
{{.Help|Wrap 4}}{{end -}}
{{end -}}
{{end -}}
{{if .Context.SelectedCommand -}}
usage: {{.App.Name}} {{.Context.SelectedCommand}}{{template "FormatCommand" .Context.SelectedCommand}}

{{.Context.SelectedCommand.Help|Wrap 0 -}}
{{else -}}
usage: {{.App.Name}} [<command>] [<flags>]

{{.App.Help|Wrap 0 -}}
{{end}}
{{if .Context.SelectedCommand -}}
Flags:
{{.Context.Flags|FlagsToTwoColumns|FormatTwoColumns}}
{{else -}}
Commands:
{{template "FormatCommands" .App}}
Flags:
{{.Context.Flags|FlagsToTwoColumns|FormatTwoColumns}}
{{range .App.Commands}}{{if .Default -}}
Flags of {{.FullCommand}} (tallyman help <command> lists those of another):
{{.Flags|FlagsToTwoColumns|FormatTwoColumns}}
{{end}}{{end -}}
{{end -}}
`
