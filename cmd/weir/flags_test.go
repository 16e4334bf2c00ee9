package main

import (
	"strings"
	"testing"
)

func TestParseOptions(t *testing.T) {
	for _, test := range []struct {
		args string
		want options // beyond the defaults
		err  string
	}{
		{args: "-t", want: options{test: true}},
		{args: "-Tq", want: options{test: true, dump: true, quiet: true}},
		{args: "-V", want: options{showVersion: true, showBuild: true}},
		{args: "-h -?", want: options{showVersion: true, showHelp: true}},
		{args: "-", want: options{}},
		{args: "-p /a -c b -e c -g d;", want: options{prefix: "/a", conf: "b", errorLog: "c", directives: "d;"}},
		{args: "-p/a -cb -ec -gd;", want: options{prefix: "/a", conf: "b", errorLog: "c", directives: "d;"}},
		{args: "-qtp /a -squit", want: options{quiet: true, test: true, prefix: "/a", signal: "quit"}},
		{args: "-t -x", err: `invalid option: "x"`},
		{args: "-tx", err: `invalid option: "x"`},
		{args: "t", err: `invalid option: "t"`},
		{args: "-s", err: `option "-s" requires parameter`},
		{args: "-e", err: `option "-e" requires file name`},
		{args: "-s halt", err: `invalid option: "-s halt"`},
	} {
		got, err := parseOptions(strings.Fields(test.args))
		if err != nil {
			if err.Error() != test.err {
				t.Errorf("%s: %v, want %q", test.args, err, test.err)
			}
			continue
		}
		want := test.want
		if want.prefix == "" {
			want.prefix = defaultPrefix
		}
		if want.conf == "" {
			want.conf = defaultConf
		}
		if want.errorLog == "" {
			want.errorLog = defaultErrorLog
		}
		if *got != want || test.err != "" {
			t.Errorf("%s: %+v, want %+v %s", test.args, *got, want, test.err)
		}
	}
}

// FuzzParseOptions: any command line is understood or refused.
func FuzzParseOptions(f *testing.F) {
	f.Add("-t\x00-p/x\x00-s\x00quit")
	f.Add("-qTe\x00stderr")
	f.Fuzz(func(t *testing.T, line string) {
		o, err := parseOptions(strings.Split(line, "\x00"))
		if (o == nil) == (err == nil) {
			t.Errorf("%q: %v, %v", line, o, err)
		}
	})
}
