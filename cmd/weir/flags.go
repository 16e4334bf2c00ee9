package main

import "fmt"

// options are what the command line says (nginx.c: ngx_get_options).
type options struct {
	prefix     string
	conf       string
	errorLog   string // "" is stderr
	directives string // -g
	signal     string // -s

	showVersion, showBuild, showHelp bool
	test, dump, quiet                bool
}

func parseOptions(args []string) (*options, error) {
	o := &options{conf: defaultConf, errorLog: defaultErrorLog, prefix: defaultPrefix}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "" || arg[0] != '-' {
			return nil, fmt.Errorf(`invalid option: "%s"`, arg)
		}
		for j := 1; j < len(arg); j++ {
			if o.flag(arg[j]) {
				continue
			}
			takes, known := valued[arg[j]]
			if !known {
				return nil, fmt.Errorf(`invalid option: "%c"`, arg[j])
			}
			value := arg[j+1:]
			if value == "" {
				if i++; i == len(args) {
					return nil, fmt.Errorf(`option "-%c" requires %s`, arg[j], takes)
				}
				value = args[i]
			}
			if err := o.set(arg[j], value); err != nil {
				return nil, err
			}
			break
		}
	}
	return o, nil
}

// flag carries out an option without a value and tells whether it is one.
func (o *options) flag(c byte) bool {
	switch c {
	case '?', 'h':
		o.showVersion, o.showHelp = true, true
	case 'v':
		o.showVersion = true
	case 'V':
		o.showVersion, o.showBuild = true, true
	case 't':
		o.test = true
	case 'T':
		o.test, o.dump = true, true
	case 'q':
		o.quiet = true
	default:
		return false
	}
	return true
}

// valued are the options that take a value, and what nginx calls it.
var valued = map[byte]string{'p': "directory name", 'e': "file name", 'c': "file name", 'g': "parameter", 's': "parameter"}

func (o *options) set(c byte, value string) error {
	switch c {
	case 'p':
		o.prefix = value
	case 'e':
		o.errorLog = value
		if value == "stderr" {
			o.errorLog = ""
		}
	case 'c':
		o.conf = value
	case 'g':
		o.directives = value
	case 's':
		if _, known := bySignalWord[value]; !known {
			return fmt.Errorf(`invalid option: "-s %s"`, value)
		}
		o.signal = value
	}
	return nil
}
