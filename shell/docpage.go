package shell

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"postern/shell/admin"
)

// pageTime is how long a client may take to receive the page or one of its files.
const pageTime = 2 * time.Minute

// servePage answers a request for the documentation page or one of its files.
func (s *Server) servePage(st *state, found http.Handler, w http.ResponseWriter, r *http.Request) {
	w.Header()["Server"] = serverHeader
	began := time.Now()
	_ = http.NewResponseController(w).SetWriteDeadline(began.Add(pageTime)) // holds until all is written
	counted := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
	found.ServeHTTP(counted, r)
	s.log.within(r, nil).access(st.config.LogLevel, "", counted.Status(), counted.BytesWritten())
	if s.metrics != nil {
		s.metrics.Observe(admin.Page, r.Method, counted.Status(), time.Since(began))
	}
}
