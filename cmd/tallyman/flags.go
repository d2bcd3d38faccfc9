package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
)

// flagGroup is where kingpin lets flags be defined: a command, or an application.
type flagGroup interface {
	Flag(name, help string) *kingpin.FlagClause
	GetFlag(name string) *kingpin.FlagClause
}

// flagSet is the flags of a command.
type flagSet struct {
	flagGroup

	// command is its name.
	command string
}

// env names the variable of a flag: --engine.host is TALLYMAN_ENGINE_HOST with every command, --format of df is TALLYMAN_DF_FORMAT.
func (f flagSet) env(flag string) string {
	if strings.Contains(flag, ".") || flag == "url" {
		return envName(flag)
	}
	return envName(f.command + "." + flag)
}

// flagValue is the value of a flag whose error names the flag, what was given, and what would be right: kingpin's own errors
// name only the value.
type flagValue struct {
	flag   string
	env    string
	want   string
	isBool bool
	text   string
	set    func(string) error
}

// Set reads the value of the flag.
func (v *flagValue) Set(s string) error {
	if err := v.set(s); err != nil {
		return fmt.Errorf("--%s (or %s): %q is wrong: want %s", v.flag, v.env, s, v.want)
	}
	v.text = s
	return nil
}

// String gives the value of the flag.
func (v *flagValue) String() string { return v.text }

// IsBoolFlag tells kingpin that the flag stands without a value, and has a twin that begins with "no-".
func (v *flagValue) IsBoolFlag() bool { return v.isBool }

// wordsValue is the value of a flag that may be given several times.
type wordsValue struct{ flagValue }

// IsCumulative tells kingpin so.
func (*wordsValue) IsCumulative() bool { return true }

// setBool reads a truth value, and tells when it was.
func setBool(b *bool, done func()) func(string) error {
	return func(s string) (err error) {
		if *b, err = strconv.ParseBool(s); err == nil {
			done()
		}
		return err
	}
}

// duration defines a flag that takes a time, not below zero.
func duration(on flagSet, name, help, def string) *time.Duration {
	d := new(time.Duration)
	on.Flag(name, help).Default(def).SetValue(&flagValue{
		flag: name, env: on.env(name), want: "a duration such as 500ms, 10s or 5m",
		set: func(s string) (err error) {
			if *d, err = time.ParseDuration(s); err == nil && *d < 0 {
				err = strconv.ErrRange
			}
			return err
		},
	})
	return d
}

// boolean defines a flag that switches something on or, with --no-, off.
func boolean(on flagSet, name, help string, def bool) *bool {
	b := new(bool)
	on.Flag(name, help).Default(strconv.FormatBool(def)).SetValue(&flagValue{
		flag: name, env: on.env(name), want: "true or false", isBool: true,
		set: func(s string) (err error) {
			*b, err = strconv.ParseBool(s)
			return err
		},
	})
	return b
}

// whole defines a flag that takes a whole number, not below zero.
func whole(on flagSet, name, help string, def int) *int {
	n := new(int)
	on.Flag(name, help).Default(strconv.Itoa(def)).SetValue(&flagValue{
		flag: name, env: on.env(name), want: "a whole number such as 0 or 50",
		set: func(s string) (err error) {
			if *n, err = strconv.Atoi(s); err == nil && *n < 0 {
				err = strconv.ErrRange
			}
			return err
		},
	})
	return n
}

// size defines a flag that takes a number of bytes.
func size(on flagSet, name, help, def string) *int {
	n := new(int)
	on.Flag(name, help).Default(def).SetValue(&flagValue{
		flag: name, env: on.env(name), want: "a size such as 8MB, 16MiB or 0, up to 1GB",
		set: func(s string) error {
			bytes, err := units.ParseStrictBytes(s)
			if plain, plainErr := strconv.ParseInt(s, 10, 64); plainErr == nil {
				bytes, err = plain, nil
			}
			if err == nil && (bytes < 0 || bytes > 1<<30) {
				err = strconv.ErrRange
			}
			*n = int(bytes)
			return err
		},
	})
	return n
}

// list defines a flag that takes words separated by commas; check says what is wrong with one.
func list(on flagSet, name, help, def, want string, check func(string) error) *[]string {
	words := new([]string)
	on.Flag(name, help).Default(def).SetValue(&flagValue{
		flag: name, env: on.env(name), want: want,
		set: func(s string) error {
			*words = nil
			for word := range strings.SplitSeq(s, ",") {
				if word = strings.TrimSpace(word); word == "" {
					continue
				}
				if err := check(word); err != nil {
					return err
				}
				*words = append(*words, word)
			}
			return nil
		},
	})
	return words
}

// choice defines a flag that takes one of a few words.
func choice(on flagSet, name, help, def string, words []string, set func(string) error) {
	list := strings.Join(words, ", ")
	on.Flag(name, help+" One of: "+list+".").Default(def).SetValue(&flagValue{flag: name, env: on.env(name), want: "one of " + list, set: set})
}

// twinEnvironment gives every flag of a command a variable: --engine.host is TALLYMAN_ENGINE_HOST. A flag on the command line wins.
// The lists of repeatable flags are separated by commas.
func twinEnvironment(on flagSet, flags []*kingpin.FlagModel, getenv func(string) string) {
	for _, f := range flags {
		flag, env := on.GetFlag(f.Name), on.env(f.Name)
		flag.Help(f.Help + " [" + env + "]")
		value := getenv(env)
		switch {
		case value == "":
		case repeatable(f):
			flag.Default(strings.Split(value, ",")...)
		default:
			flag.Default(value)
		}
	}
}

// repeatable says whether a flag may be given several times.
func repeatable(f *kingpin.FlagModel) bool {
	cumulative, ok := f.Value.(interface{ IsCumulative() bool })
	return ok && cumulative.IsCumulative()
}

func envName(flag string) string {
	return "TALLYMAN_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
}
