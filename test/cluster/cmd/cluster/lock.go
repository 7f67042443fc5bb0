package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// The process that owns a cluster holds a lock on a file in the home for as
// long as it lives. The kernel tells who holds it: an answer that neither a
// crash nor a reused process id falsifies, and that asking does not disturb.

// lock takes the lock; errRuns means that another process holds it. It ends
// with the process, or when the file is closed.
func (h home) lock() (*os.File, error) {
	for {
		if err := os.MkdirAll(h.dir, 0o700); err != nil {
			return nil, fmt.Errorf("create the folder of cluster %q: %w", h.name, err)
		}
		file, err := os.OpenFile(h.lockPath(), os.O_CREATE|os.O_RDWR, 0o600)
		if errors.Is(err, os.ErrNotExist) {
			continue // the folder was removed since
		}
		if err != nil {
			return nil, fmt.Errorf("open the lock of cluster %q: %w", h.name, err)
		}
		err = setLock(file)
		if err == nil && h.isLock(file) {
			return file, nil
		}
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("lock cluster %q: %w", h.name, err)
		}
	}
}

func setLock(file *os.File) error {
	err := syscall.FcntlFlock(file.Fd(), syscall.F_SETLK,
		&syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart})
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return errRuns
	}
	return err
}

// isLock is false when the former owner removed the file that we then locked:
// nobody else would find that one.
func (h home) isLock(file *os.File) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(h.lockPath())
	return err == nil && os.SameFile(ours, named)
}

// owner returns the id of the process that holds the lock, 0 when none does.
func (h home) owner() (int, error) {
	file, err := os.OpenFile(h.lockPath(), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open the lock of cluster %q: %w", h.name, err)
	}
	defer file.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &lock); err != nil {
		return 0, fmt.Errorf("read the lock of cluster %q: %w", h.name, err)
	}
	if lock.Type == syscall.F_UNLCK {
		return 0, nil
	}
	return int(lock.Pid), nil
}

func (h home) lockPath() string { return filepath.Join(h.dir, "lock") }
