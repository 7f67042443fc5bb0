package commands

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/certwright/certwright/daemon/config"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// startLogging hands the logging options to klog, whose state is its own.
// to takes the lines of JSON; text goes where klog writes.
func startLogging(cfg config.Config, to io.Writer) error {
	fs := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(fs)
	if err := fs.Set("v", strconv.Itoa(cfg.Verbosity)); err != nil {
		return fmt.Errorf("--v: %w", err)
	}
	if err := fs.Set("vmodule", cfg.VModule); err != nil {
		return fmt.Errorf("--vmodule: %w", err)
	}
	if cfg.LoggingFormat == config.JSON {
		klog.SetLoggerWithOptions(jsonLogger(to, cfg.Verbosity), klog.ContextualLogger(true))
	}
	klog.CopyStandardLogTo("INFO") // some libraries write to Go's own log
	return nil
}

// jsonLogger writes one object a line, with the keys that Kubernetes' own
// programs use, so that a collector needs no rule for certwright: ts in
// milliseconds since 1970, level, v, msg, err.
func jsonLogger(to io.Writer, verbosity int) logr.Logger {
	return logr.FromSlogHandler(slog.NewJSONHandler(to, &slog.HandlerOptions{
		Level:       slog.Level(-verbosity), // logr's V(n) is slog's level -n
		ReplaceAttr: kubernetesKeys,
	}))
}

func kubernetesKeys(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		return slog.Float64("ts", float64(a.Value.Time().UnixMicro())/float64(time.Millisecond/time.Microsecond))
	case slog.LevelKey:
		level, ok := a.Value.Any().(slog.Level)
		switch {
		case !ok:
			return a
		case level >= slog.LevelError: // an error has no verbosity
			return slog.String(slog.LevelKey, "error")
		}
		return inline(slog.String(slog.LevelKey, "info"), slog.Int("v", -int(level)))
	case objectKey:
		if a.Value.Kind() != slog.KindString {
			return a
		}
		return object(a.Value.String())
	default:
		return a
	}
}

// objectKey is under which the queue's worker says what it works on, as
// "namespace/name" or "name".
const objectKey = "object"

// object says the same once more in parts, by which one can search.
func object(text string) slog.Attr {
	whole := slog.Any(objectKey, said(text)) // not a string, which would be taken apart again
	namespace, name, ok := strings.Cut(text, "/")
	if !ok {
		return inline(whole, slog.String("name", text))
	}
	return inline(whole, slog.String("namespace", namespace), slog.String("name", name))
}

type said string

// inline is several attributes in place of one.
func inline(all ...slog.Attr) slog.Attr { return slog.Attr{Value: slog.GroupValue(all...)} }
