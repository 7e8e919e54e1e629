package shell

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"postern/shell/config"
)

const (
	logTime  = "02/Jan/2006:15:04:05 -0700"
	upperHex = "0123456789ABCDEF"
)

// logger writes answers to one stream and events to another, as PostgREST does (docs/references/observability, "Logs").
type logger struct {
	mutex    sync.Mutex
	requests io.Writer
	events   io.Writer
	line     []byte
}

// oneLine joins the lines of messages that come from elsewhere.
var oneLine = strings.NewReplacer("\n\t", " ", "\n", " ", "\t", " ")

// event writes what happened to the server.
func (l *logger) event(format string, arguments ...any) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.line = time.Now().AppendFormat(l.line[:0], logTime)
	l.line = append(l.line, ": "...)
	text := oneLine.Replace(fmt.Sprintf(format, arguments...))
	l.line = appendPrintable(l.line, text, false)
	_, _ = l.events.Write(append(l.line, '\n'))
}

// access writes an answer in the combined log format, if the level asks for it.
func (l *logger) access(level config.LogLevel, r *http.Request, role string, status, size int) {
	switch {
	case level >= config.LogInfo:
	case level == config.LogWarn && status >= 400:
	case level == config.LogError && status >= 500:
	default:
		return
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = "-"
	}
	if role == "" {
		role = "-"
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

// appendPrintable appends text on one line. What is not graphic in Unicode, such as control characters of C0 and C1 and those that
// turn the direction of a line, what is no UTF-8 and, with quoted, " and \ are written as \xHH, byte by byte.
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

// standard is a logger for net/http. Of its complaints only panics and failing sockets are kept: what clients do wrong
// is of interest to nobody.
func (l *logger) standard() *log.Logger { return log.New(complaints{l}, "", 0) }

type complaints struct{ to *logger }

func (c complaints) Write(line []byte) (int, error) {
	if text := string(line); strings.Contains(text, "panic") || strings.Contains(text, "Accept") {
		c.to.event("%s", strings.TrimSuffix(text, "\n"))
	}
	return len(line), nil
}
