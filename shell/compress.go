package shell

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"postern/shell/qvalue"
)

// compression says which answers are compressed, and how (RFC 9110, 8.4 and 12.5.3).
type compression struct {
	codings []string // the preferred one first; none turns compression off
	minSize int      // bytes
}

// apply compresses a body where the client accepts it and it pays. It changes the header accordingly and returns the
// body to send. The caller calls done, unless it is nil, when that is sent: the buffer is used again.
func (c *compression) apply(header http.Header, accept []string, status int, body []byte) (sent []byte, done func()) {
	if len(body) < c.minSize || status == http.StatusPartialContent || !compressible(header) {
		return body, nil
	}
	coding := c.choose(accept)
	if coding == "" {
		return body, nil
	}
	buffer := compressed.Get().(*bytes.Buffer)
	buffer.Reset()
	if err := encode(coding, buffer, body); err != nil || buffer.Len() >= len(body) {
		compressed.Put(buffer)
		return body, nil
	}
	encoded(header, coding)
	return buffer.Bytes(), func() {
		if buffer.Cap() <= maxKept {
			compressed.Put(buffer)
		}
	}
}

// encoded notes in the header that the body is encoded.
func encoded(header http.Header, coding string) {
	header["Content-Encoding"] = []string{coding}
	if tag := header.Get("Etag"); tag != "" { // it names the uncompressed bytes
		header["Etag"] = []string{codedTag(tag, coding)}
	}
}

// compressible reports whether an answer is text that nobody has encoded or forbidden to transform. What media types
// over bytea hold, images and archives, is mostly compressed by itself.
func compressible(header http.Header) bool {
	if header["Content-Encoding"] != nil ||
		strings.Contains(strings.ToLower(header.Get("Cache-Control")), "no-transform") {
		return false
	}
	media, _, _ := strings.Cut(strings.ToLower(header.Get("Content-Type")), ";")
	return strings.HasPrefix(media, "text/") || strings.Contains(media, "json") || strings.Contains(media, "xml") ||
		strings.HasSuffix(media, "+text") || strings.HasSuffix(media, "javascript")
}

// choose returns the coding that the client likes best, among equals the first of the setting; empty for none.
func (c *compression) choose(accept []string) string {
	weights := make(map[string]float64)
	for name, weight := range qvalue.Each(accept) {
		if name == "x-gzip" {
			name = "gzip"
		}
		weights[name] = weight
	}
	best, most := "", weights["identity"]
	for _, coding := range c.codings {
		w, named := weights[coding]
		if !named {
			w = weights["*"]
		}
		if w > most || w == most && w > 0 && best == "" {
			best, most = coding, w
		}
	}
	return best
}

// vary returns the value of Vary, and what of it is added to a Vary of user code.
func vary(c *compression, origins []string) (all, added []string) {
	if len(c.codings) > 0 {
		added = append(added, "Accept-Encoding")
	}
	if len(origins) > 0 {
		added = append(added, "Origin")
	}
	return []string{strings.Join(append([]string{defaultVary}, added...), ", ")}, slices.Clip(added)
}

// compressed are buffers for compressed bodies.
var compressed = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// resettable is what the writers of the codings have in common.
type resettable interface {
	io.WriteCloser
	Reset(to io.Writer)
	Flush() error
}

// writers are the encoders, kept because they are large, with levels that servers use for answers made anew each time.
var writers = map[string]*sync.Pool{
	"gzip": {New: func() any {
		w, _ := gzip.NewWriterLevel(nil, 5) // fails only for other levels
		return w
	}},
	"br": {New: func() any { return brotli.NewWriterLevel(nil, 4) }},
	"zstd": {New: func() any {
		// With these options NewWriter cannot fail.
		w, _ := zstd.NewWriter(nil,
			zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
		return w
	}},
}

func encode(coding string, dst *bytes.Buffer, body []byte) error {
	pool := writers[coding]
	w := pool.Get().(resettable)
	defer pool.Put(w)
	w.Reset(dst)
	if _, err := w.Write(body); err != nil {
		return err
	}
	return w.Close()
}
