package shell

import (
	"net/http"
	"time"

	"postern/shell/admin"
)

// pageTime is how long a client may take to receive the page or one of its files.
const pageTime = 2 * time.Minute

// servePage answers a request for the documentation page or one of its files.
func (s *Server) servePage(st *state, found http.Handler, w http.ResponseWriter, r *http.Request) {
	w.Header()["Server"] = serverHeader
	began := time.Now()
	_ = http.NewResponseController(w).SetWriteDeadline(began.Add(pageTime)) // holds until all is written
	counted := &counter{ResponseWriter: w, status: http.StatusOK}
	found.ServeHTTP(counted, r)
	s.log.within(r, nil).access(st.config.LogLevel, "", counted.status, counted.size)
	if s.metrics != nil {
		s.metrics.Observe(admin.Page, r.Method, counted.status, time.Since(began))
	}
}

// counter remembers what the log needs of an answer.
type counter struct {
	http.ResponseWriter
	status, size int
}

func (c *counter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.size += n
	return n, err
}
