package tracing

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Traces are off unless the environment asks for them, and what it asks for is known.
func TestWanted(t *testing.T) {
	for _, test := range []struct {
		environment map[string]string
		want        bool
		complaint   string
	}{
		{nil, false, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, true, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318"}, true, ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, false, ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"}, false, ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, `"zipkin"`},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, `"grpc"`},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, true, ""},
	} {
		t.Run("", func(t *testing.T) {
			for name, value := range test.environment {
				t.Setenv(name, value)
			}
			got, err := wanted()
			if got != test.want || (err != nil) != (test.complaint != "") || err != nil && !strings.Contains(err.Error(), test.complaint) {
				t.Errorf("%v: got %v, %v", test.environment, got, err)
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	for _, test := range []struct{ general, traces, want string }{
		{"", "", "http://localhost:4318/v1/traces"},
		{"https://c/otlp/", "", "https://c/otlp/v1/traces"},
		{"https://c/otlp", "http://d:1/x", "http://d:1/x"},
		{"c:4318", "", ""},
	} {
		t.Run("", func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", test.general)
			t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", test.traces)
			if got, err := endpoint(); got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%v: got %q, %v", test, got, err)
			}
		})
	}
}

// A collector that is busy is asked again, one that refuses is not, nor any when the server stops. Errors do not tell the endpoint.
func TestUpload(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 && r.URL.Path == "/busy" || r.URL.Path == "/always" {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else if r.URL.Path == "/refuses" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer collector.Close()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, test := range []struct {
		endpoint string
		running  context.Context
		asked    int64
		fails    bool
	}{
		{collector.URL + "/busy", t.Context(), 2, false},
		{collector.URL + "/refuses", t.Context(), 1, true},
		{collector.URL + "/always", stopped, 1, true},
		{"http://127.0.0.1:1/hidden", stopped, 0, true},
	} {
		asked.Store(0)
		c := &client{http: http.DefaultClient, endpoint: test.endpoint, timeout: time.Minute, running: test.running}
		err := c.UploadTraces(t.Context(), nil)
		if (err != nil) != test.fails || asked.Load() != test.asked || err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: asked %d times, %v", test.endpoint, asked.Load(), err)
		}
	}
}

// A collector's own authority counts where its certificate is named.
func TestCertificate(t *testing.T) {
	collector := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer collector.Close()
	collector.Config.ErrorLog = log.New(io.Discard, "", 0)
	file := filepath.Join(t.TempDir(), "ca.pem")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: collector.Certificate().Raw})
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	for _, test := range []struct {
		certificate string
		trusted     bool
	}{{"", false}, {file, true}} {
		t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", test.certificate)
		c, err := newClient(stopped)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.UploadTraces(t.Context(), nil); (err == nil) != test.trusted {
			t.Errorf("with the certificate %q: %v", test.certificate, err)
		}
	}
	t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", file+"x")
	if _, err := newClient(stopped); err == nil {
		t.Error("a file that is not there is taken")
	}
}
