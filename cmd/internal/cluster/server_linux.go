package cluster

import "syscall"

// dieWithParent makes the kernel send the server SIGINT, a fast shutdown, when this process is gone (prctl(2)).
func dieWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGINT }
