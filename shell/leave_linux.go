package shell

import (
	"context"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"postern/shell/db"
)

const (
	leaveTime = 250 * time.Millisecond // for connections that are being made
	leaveLook = 10 * time.Millisecond  // between two looks at those that wait to be accepted
	leaveMost = 2 * time.Second
)

// refuseSYN is a filter of a listening socket that drops what begins a connection (SYN without ACK in byte 13 of TCP).
var refuseSYN = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
	{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0x12},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0x02, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
}

// leave prepares the end of a socket on a port that other processes serve as well. When a listening socket is closed
// the kernel resets what connections it still has to give out. So it gets no new ones first: clients try again after a
// second, and come to another process. It returns once those that there were are accepted.
func leave(ctx context.Context, listener net.Listener) {
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	program := unix.SockFprog{Len: uint16(len(refuseSYN)), Filter: &refuseSYN[0]}
	control(raw, func(fd int) {
		err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
	})
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaveMost)
	defer cancel()
	for pause := leaveTime; db.Sleep(ctx, pause); pause = leaveLook {
		waiting := uint32(0)
		control(raw, func(fd int) {
			if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				waiting = info.Unacked // of a listening socket: connections to be accepted
			}
		})
		if waiting == 0 {
			return
		}
	}
}

func control(raw syscall.RawConn, do func(fd int)) { _ = raw.Control(func(fd uintptr) { do(int(fd)) }) }
