package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ready asks the admin server that the configuration names, and fails unless it says that all is well.
func ready(ctx context.Context, arguments []string) error {
	c, _, err := load("postern ready", arguments)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	address := "unix"
	switch {
	case c.AdminServerUnixSocket != "":
		client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", c.AdminServerUnixSocket)
		}}
	case c.AdminServerPort == nil:
		return errors.New("there is no admin server: set admin-server-port")
	default:
		host := c.AdminServerHost
		if strings.HasPrefix(host, "*") || strings.HasPrefix(host, "!") {
			host = "localhost"
			if strings.HasSuffix(c.AdminServerHost, "4") {
				host = "127.0.0.1"
			}
		}
		address = net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(*c.AdminServerPort))
	}
	url := "http://" + address + "/ready"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ERROR: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ERROR: %s answers %s", url, response.Status)
	}
	fmt.Println("OK: " + url)
	return nil
}
