package main

import (
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readable is what resolving names and trusting certificates takes.
var readable = []string{
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/localtime", "/usr/share/zoneinfo",
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
	"/dev/null", "/dev/urandom", "/proc/sys/net/core",
}

// handled are all rights of Landlock's first version: what is handled and not
// granted below is denied.
const handled = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
	unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
	unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
	unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM

// confine takes from this process every file but the readable ones, by Landlock
// (Linux 5.13 and later). Where the kernel lacks it, the parent's choice of
// variables must do.
func confine() bool {
	rules := unix.LandlockRulesetAttr{Access_fs: handled}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules.Access_fs), 0) //nolint:gosec // as the system call takes it
	if errno != 0 {
		return false
	}
	defer unix.Close(int(fd))
	for _, path := range append(readable, roots()...) {
		allow(int(fd), path)
	}
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return false
	}
	_, _, errno = syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0)
	return errno == 0
}

// roots are where the daemon's own environment says that certificate
// authorities are; an issuer cannot set these variables.
func roots() []string {
	all := filepath.SplitList(os.Getenv("SSL_CERT_DIR"))
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		all = append(all, file)
	}
	return all
}

func allow(rules int, path string) {
	file, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return // not on this system
	}
	defer unix.Close(file)
	access := uint64(unix.LANDLOCK_ACCESS_FS_READ_FILE)
	var stat unix.Stat_t
	if unix.Fstat(file, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		access |= unix.LANDLOCK_ACCESS_FS_READ_DIR
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(file)}
	_, _, _ = unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0) //nolint:gosec // as the system call takes it
}
