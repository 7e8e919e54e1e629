//go:build !linux

package cluster

import "syscall"

// dieWithParent does nothing where the system has no such signal: the next start ends what a killed run left.
func dieWithParent(*syscall.SysProcAttr) {}
