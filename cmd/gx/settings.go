package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gx-etl/gx/core/host"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// settings are those of the process, never of a job: flag beats environment (GX_…) beats configuration file beats default.
// viper lowercases keys, which is why no job may pass through it.
type settings struct {
	v      *viper.Viper
	config string
}

func newSettings() *settings {
	v := viper.New()
	v.SetEnvPrefix("GX")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	return &settings{v: v}
}

func (s *settings) flags(f *pflag.FlagSet) {
	f.StringVar(&s.config, "config", "", "configuration `file` of the process (default: gx.yaml in the user's configuration folder, if there)")
	f.String("plugin-path", "", "`folders` with plugin programs, separated like PATH (GX_PLUGIN_PATH)")
	f.String("state-dir", "", "`folder` for locks and dirty records (GX_STATE_DIR; default: .gx beside the job)")
	f.String("datasources", "", "`file` of named data sources (GX_DATASOURCES)")
	f.String("log-level", "info", "debug, info, warn or error (GX_LOG_LEVEL)")
	f.String("log-format", "auto", "auto, text or json (GX_LOG_FORMAT); auto is text on a terminal")
	for _, name := range []string{"plugin-path", "state-dir", "datasources", "log-level", "log-format"} {
		if err := s.v.BindPFlag(name, f.Lookup(name)); err != nil {
			panic(err) // only for a flag that does not exist
		}
	}
}

// load reads the configuration file and judges the values.
func (s *settings) load() error {
	if s.config != "" {
		s.v.SetConfigFile(s.config)
	} else if dir, err := os.UserConfigDir(); err == nil {
		s.v.SetConfigName("gx")
		s.v.AddConfigPath(filepath.Join(dir, "gx"))
	}
	var missing viper.ConfigFileNotFoundError
	if err := s.v.ReadInConfig(); err != nil && (s.config != "" || !errors.As(err, &missing) && !errors.Is(err, fs.ErrNotExist)) {
		return protocol.Faultf(protocol.Config, "configuration file: %w", err).At("--config")
	}
	for key, allowed := range map[string][]string{
		"log-level":  {"debug", "info", "warn", "error"},
		"log-format": {"auto", "text", "json"},
	} {
		if err := oneOf(key, s.v.GetString(key), allowed); err != nil {
			return err
		}
	}
	for _, key := range s.v.AllKeys() {
		switch key {
		case "plugin-path", "state-dir", "datasources", "log-level", "log-format":
		default:
			return protocol.Faultf(protocol.Config, "unknown setting in %s", s.v.ConfigFileUsed()).At(key).
				Hint("plugin-path, state-dir, datasources, log-level, log-format")
		}
	}
	return nil
}

func oneOf(key, value string, allowed []string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return protocol.Faultf(protocol.Config, "%q is not known", value).At("--"+key).Hint("%s", strings.Join(allowed, ", "))
}

// finder looks for plugins in this order: built in, --plugin-path or GX_PLUGIN_PATH, beside the binary, PATH.
func (s *settings) finder() (*host.Finder, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, protocol.Faultf(protocol.Internal, "where is this program? %w", err)
	}
	dirs := filepath.SplitList(s.v.GetString("plugin-path"))
	return &host.Finder{Self: self, Builtins: builtinNames(), Dirs: append(dirs, filepath.Dir(self))}, nil
}

// stateDir is where the job keeps its lock and its dirty records.
func (s *settings) stateDir(jobFile string) string {
	if d := s.v.GetString("state-dir"); d != "" {
		return d
	}
	if jobFile == "" {
		return ".gx"
	}
	return filepath.Join(filepath.Dir(jobFile), ".gx")
}
