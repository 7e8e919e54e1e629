package shell

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"postern/shell/config"
	"postern/shell/jsontext"
	"postern/shell/tracing"
)

const (
	logTime  = "02/Jan/2006:15:04:05 -0700"
	upperHex = "0123456789ABCDEF"
)

// logger writes answers to one stream and events to another, as PostgREST does (docs/references/observability, "Logs"):
// its lines where people have alerts on them. With structured it writes the same as JSON.
type logger struct {
	mutex      sync.Mutex
	requests   io.Writer
	events     io.Writer
	line       []byte
	structured *structured // nil for text
}

// structured are the two streams of a logger as JSON lines of log/slog.
type structured struct{ requests, events *slog.Logger }

func newLogger(format string, requests, events io.Writer) *logger {
	l := &logger{requests: requests, events: events}
	if format == "json" {
		all := &slog.HandlerOptions{Level: slog.LevelDebug} // what is written is decided elsewhere
		l.structured = &structured{slog.New(slog.NewJSONHandler(requests, all)), slog.New(slog.NewJSONHandler(events, all))}
	}
	return l
}

// oneLine joins the lines of messages that come from elsewhere.
var oneLine = strings.NewReplacer("\n\t", " ", "\n", " ", "\t", " ")

// printable returns text on one line as appendPrintable has it.
func printable(text string) string { return string(appendPrintable(nil, oneLine.Replace(text), false)) }

// warning begins the events that are warnings.
const warning = "WARNING: "

// event writes what happened to the server.
func (l *logger) event(format string, arguments ...any) {
	text := printable(fmt.Sprintf(format, arguments...))
	if l.structured != nil {
		level := slog.LevelInfo
		if strings.HasPrefix(text, warning) {
			level = slog.LevelWarn
		}
		l.structured.events.LogAttrs(context.Background(), level, strings.TrimPrefix(text, warning))
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.line = append(time.Now().AppendFormat(l.line[:0], logTime), ": "...)
	l.line = append(append(l.line, text...), '\n')
	_, _ = l.events.Write(l.line)
}

// warn writes what happened to the server and somebody should mend.
func (l *logger) warn(format string, arguments ...any) { l.event(warning+format, arguments...) }

// debug writes what only the level debug shows.
func (l *logger) debug(format string, arguments ...any) {
	if l.structured != nil {
		l.structured.events.LogAttrs(context.Background(), slog.LevelDebug, printable(fmt.Sprintf(format, arguments...)))
		return
	}
	l.event(format, arguments...)
}

// within is a logger of what happens to a request: its lines have the ID of the trace that the request is part of.
type within struct {
	*logger
	request *http.Request    // nil where it is not known
	span    *tracing.Request // nil where it is not traced
}

// within returns a logger of what happens to a request.
func (l *logger) within(r *http.Request, span *tracing.Request) within { return within{l, r, span} }

// trace returns the ID of the trace, empty for none.
func (l within) trace() string {
	if l.request == nil {
		return ""
	}
	return tracing.ID(l.span, l.request.Header)
}

// failure writes an error that a request was answered with, of status 500 and more, as the JSON of an answer. Details
// and hint of PostgreSQL's errors are not given, as they may have values of rows.
func (l within) failure(status int, code, message, details string) {
	trace := l.trace()
	if l.structured != nil {
		l.structured.events.LogAttrs(context.Background(), slog.LevelError, printable(message), slog.Int("status", status),
			slog.String("code", printable(code)), slog.String("details", printable(details)), traceID(trace))
		return
	}
	line := appendJSON([]byte(`{"code":`), code)
	line = append(line, `,"details":`...)
	if details == "" {
		line = append(line, "null"...)
	} else {
		line = appendJSON(line, details)
	}
	line = appendJSON(append(line, `,"hint":null,"message":`...), message)
	if trace != "" {
		line = appendJSON(append(line, `,"trace_id":`...), trace)
	}
	l.event("%s}", line)
}

// query writes a statement that was executed, without its values, and how long its round trip took.
func (l within) query(sql string, took time.Duration, compiled bool) {
	trace := l.trace()
	if l.structured != nil {
		l.structured.events.LogAttrs(context.Background(), slog.LevelInfo, "query", slog.String("statement", printable(sql)),
			slog.Float64("milliseconds", milliseconds(took)), slog.Bool("compiled", compiled), traceID(trace))
		return
	}
	note := ""
	if compiled {
		note = ", compiled"
	}
	if trace != "" {
		note += ", trace " + trace
	}
	l.event("%s -- %.3f ms%s", sql, milliseconds(took), note)
}

// traceID returns the attribute of a trace: without one the empty attribute, which is not written.
func traceID(trace string) (attribute slog.Attr) {
	if trace != "" {
		attribute = slog.String("trace_id", trace)
	}
	return attribute
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// appendJSON appends a JSON string in which only what is graphic stands for itself.
func appendJSON(dst []byte, text string) []byte {
	for _, c := range string(jsontext.AppendString(nil, text)) {
		if unicode.IsGraphic(c) {
			dst = utf8.AppendRune(dst, c)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, c) {
			dst = fmt.Appendf(dst, `\u%04x`, unit)
		}
	}
	return dst
}

// wants reports whether a level asks for an answer with this status.
func wants(level config.LogLevel, status int) bool {
	return level >= config.LogInfo || level == config.LogWarn && status >= 400 || level == config.LogError && status >= 500
}

// access writes an answer in the combined log format, if the level asks for it.
func (l within) access(level config.LogLevel, role string, status, size int) {
	if !wants(level, status) {
		return
	}
	r := l.request
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = "-"
	}
	if role == "" {
		role = "-"
	}
	if l.structured != nil {
		l.structured.requests.LogAttrs(context.Background(), slog.LevelInfo, "request",
			slog.String("client", host), slog.String("role", printable(role)), slog.String("method", printable(r.Method)),
			slog.String("target", printable(r.RequestURI)), slog.String("protocol", r.Proto),
			slog.Int("status", status), slog.Int("bytes", size),
			slog.String("referer", printable(r.Referer())), slog.String("agent", printable(r.UserAgent())), traceID(l.trace()))
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	b := append(append(l.line[:0], host...), " - "...)
	b = appendPrintable(b, role, true)
	b = append(b, " ["...)
	b = time.Now().AppendFormat(b, logTime)
	b = append(b, `] "`...)
	b = appendPrintable(b, r.Method, true)
	b = append(b, ' ')
	b = appendPrintable(b, r.RequestURI, true)
	b = append(append(append(b, ' '), r.Proto...), `" `...)
	b = append(strconv.AppendInt(b, int64(status), 10), ' ')
	b = append(strconv.AppendInt(b, int64(size), 10), ` "`...)
	b = appendPrintable(b, r.Referer(), true)
	b = append(b, `" "`...)
	b = appendPrintable(b, r.UserAgent(), true)
	l.line = append(b, '"', '\n')
	_, _ = l.requests.Write(l.line)
}

// appendPrintable appends text on one line. What is not graphic in Unicode (controls, what turns the direction of a
// line), what is no UTF-8 and, with quoted, " and \ are written as \xHH, byte by byte.
func appendPrintable(dst []byte, text string, quoted bool) []byte {
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
		}
		if c == utf8.RuneError && size == 1 || !unicode.IsGraphic(c) || quoted && (c == '"' || c == '\\') {
			for _, b := range []byte(text[i : i+size]) {
				dst = append(dst, '\\', 'x', upperHex[b>>4], upperHex[b&15])
			}
		} else {
			dst = append(dst, text[i:i+size]...)
		}
		i += size
	}
	return dst
}

// standard is a logger for net/http. It keeps panics and failing sockets only: what clients do wrong interests nobody.
func (l *logger) standard() *log.Logger { return log.New(complaints{l}, "", 0) }

type complaints struct{ to *logger }

func (c complaints) Write(line []byte) (int, error) {
	if text := string(line); strings.Contains(text, "panic") || strings.Contains(text, "Accept") {
		c.to.event("%s", strings.TrimSuffix(text, "\n"))
	}
	return len(line), nil
}
