package tracing

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	tracesPath     = "/v1/traces"
	defaultBase    = "http://localhost:4318"
	defaultTimeout = 10 * time.Second // for a batch, attempts included
	firstPause     = time.Second      // before the second attempt; doubled each time
	mostHeard      = 4 << 10          // bytes of an answer that are read
)

// client sends spans to a collector as protobuf over HTTP (OpenTelemetry, "OTLP Specification"). It stands for the
// module otlptracehttp, with which gRPC would come: a third more of the binary.
type client struct {
	http     *http.Client
	endpoint string
	headers  http.Header
	timeout  time.Duration
	gzip     bool
	running  context.Context // nothing is tried again after its end
}

// setting returns a setting of the exporter, what is said of traces before what is said of all signals.
func setting(name string) string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_"+name), os.Getenv("OTEL_EXPORTER_OTLP_"+name))
}

// endpoint returns where spans are sent: the path for traces is added to an endpoint for all signals only.
func endpoint() (string, error) {
	address := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if address == "" {
		address = strings.TrimSuffix(cmp.Or(setting("ENDPOINT"), defaultBase), "/") + tracesPath
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return "", errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is not a URL of http or https")
	}
	return address, nil
}

func newClient(running context.Context) (_ otlptrace.Client, err error) {
	c := &client{headers: http.Header{"Content-Type": {"application/x-protobuf"}}, timeout: defaultTimeout,
		running: running}
	if c.endpoint, err = endpoint(); err != nil {
		return nil, err
	}
	for pair := range strings.SplitSeq(setting("HEADERS"), ",") {
		name, value, found := strings.Cut(pair, "=")
		if value, err = url.PathUnescape(strings.TrimSpace(value)); found && err == nil {
			c.headers.Set(strings.TrimSpace(name), value)
		}
	}
	if milliseconds, err := strconv.Atoi(setting("TIMEOUT")); err == nil && milliseconds > 0 {
		c.timeout = time.Duration(milliseconds) * time.Millisecond
	}
	c.gzip = setting("COMPRESSION") == "gzip"
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if transport.TLSClientConfig, err = tlsConfig(); err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: transport}
	return c, nil
}

// tlsConfig trusts the collector's certificate, and has one of ours, where files of them are named.
func tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := setting("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("OTEL_EXPORTER_OTLP_CERTIFICATE: no certificate in the file")
		}
	}
	if file := setting("CLIENT_CERTIFICATE"); file != "" {
		own, err := tls.LoadX509KeyPair(file, setting("CLIENT_KEY"))
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: %w", err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

// Start is part of otlptrace.Client.
func (c *client) Start(context.Context) error { return nil }

// Stop is part of otlptrace.Client.
func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces is part of otlptrace.Client. What a moment may mend is tried again until timeout or the server's end.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// On the wire this is the same as an ExportTraceServiceRequest.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if c.gzip {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(body) // a buffer takes all
		_ = w.Close()
		body = packed.Bytes()
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for pause := firstPause; ; pause *= 2 {
		wait, err := c.post(ctx, body)
		if err == nil || wait < 0 {
			return err
		}
		select {
		case <-time.After(max(wait, pause)):
		case <-ctx.Done():
			return err
		case <-c.running.Done():
			return err
		}
	}
}

// post sends a body once. On errors it returns how long the collector asks to wait, or -1 if trying again is no help.
func (c *client) post(ctx context.Context, body []byte) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	request.Header = c.headers.Clone()
	if c.gzip {
		request.Header.Set("Content-Encoding", "gzip")
	}
	response, err := c.http.Do(request)
	if err != nil {
		if failure, ok := errors.AsType[*url.Error](err); ok { // without the endpoint, which may have a key in it
			err = failure.Err
		}
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, mostHeard)
	switch response.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return time.Duration(max(seconds, 0)) * time.Second, fmt.Errorf("the collector answers %s", response.Status)
	}
	return -1, fmt.Errorf("the collector answers %s", response.Status)
}
