package shell

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificateLook is how often, at most, a handshake looks whether the files have changed.
const certificateLook = time.Second

// certificate is the server's certificate, from files that are read again when they have changed.
type certificate struct {
	certFile, keyFile string
	log               *logger

	mutex  sync.Mutex
	loaded *tls.Certificate
	stamp  [2]fileStamp // of the files when they were last read
	looked time.Time
}

// fileStamp identifies a state of a file: another one has another stamp.
type fileStamp struct {
	modified time.Time
	size     int64
}

func (c *certificate) load() error {
	loaded, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err == nil {
		c.loaded = &loaded
	}
	return err
}

func (c *certificate) stamps() (stamps [2]fileStamp) {
	for i, name := range [...]string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			stamps[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

// get is tls.Config.GetCertificate. Files that cannot be used, as when only one of the two is new yet, leave the old
// certificate in force until they change again.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= certificateLook {
		c.looked = now
		if stamp := c.stamps(); stamp != c.stamp {
			c.stamp = stamp
			if err := c.load(); err != nil {
				c.log.event("The new certificate cannot be used: %v", err)
			} else {
				c.log.event("The certificate was read again")
			}
		}
	}
	return c.loaded, nil
}

// tlsConfig returns the settings of the API's sockets, nil where it is served without TLS. TLS 1.2 is the least that
// the standard library then accepts, and HTTP/2 is agreed on by ALPN.
func (s *Server) tlsConfig(certFile, keyFile string) (*tls.Config, error) {
	if certFile == "" {
		return nil, nil
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, log: s.log, looked: time.Now()}
	c.stamp = c.stamps()
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("settings server-tls-cert and server-tls-key: %w", err)
	}
	return &tls.Config{GetCertificate: c.get}, nil
}
