package shell

import (
	"bytes"
	"net"
	"strconv"

	"postern/shell/fault"
)

// net/http answers requests that it cannot read by itself, in plain text, without calling a handler. malformedListener
// gives these answers the form of all other errors.
type malformedListener struct{ net.Listener }

func (l malformedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &malformedConn{Conn: conn}, nil
}

type malformedConn struct{ net.Conn }

var (
	malformedStart = []byte("HTTP/1.1 ")
	malformedRest  = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
)

// Write replaces net/http's own answers. They come in one write and begin with a fixed header, which the shell's answers
// never have: those start with other fields and close no connection first.
func (c *malformedConn) Write(answer []byte) (int, error) {
	if !bytes.HasPrefix(answer, malformedStart) {
		return c.Conn.Write(answer)
	}
	line := bytes.IndexByte(answer, '\r')
	if line < len(malformedStart) || !bytes.HasPrefix(answer[line:], malformedRest) {
		return c.Conn.Write(answer)
	}
	status, _, _ := bytes.Cut(answer[:line], []byte(": "))
	replaced := append([]byte(nil), status...)
	body := malformedBody(answer[line+len(malformedRest):])
	replaced = append(replaced, "\r\nContent-Type: "+jsonType+"\r\nContent-Length: "...)
	replaced = strconv.AppendInt(replaced, int64(len(body)), 10)
	replaced = append(replaced, "\r\nProxy-Status: postern; error=PGRST100\r\nServer: postern/"+Version+"\r\nConnection: close\r\n\r\n"...)
	replaced = append(replaced, body...)
	if _, err := c.Conn.Write(replaced); err != nil {
		return 0, err
	}
	return len(answer), nil
}

// malformedBody makes JSON of net/http's text, "400 Bad Request: malformed Host header".
func malformedBody(text []byte) []byte {
	_, details, _ := bytes.Cut(text, []byte(": "))
	f := fault.Fault{Code: "PGRST100", Message: "The request is not valid HTTP", Details: string(details)}
	return f.AppendBody(nil, true)
}

// CloseWrite lets net/http close the connection in two steps, so that the client can read the answer.
func (c *malformedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
