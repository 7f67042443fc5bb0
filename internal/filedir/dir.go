package filedir

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Dir is a directory that is kept.
type Dir struct {
	// Path is made when it does not exist.
	Path string
	// Mode is that of the files. Directories have it too, and may be searched
	// by whom it lets read.
	Mode fs.FileMode
	// UID and GID own what is written; -1 leaves that as it comes.
	UID, GID int
}

const (
	dataLink = "..data"
	newLink  = "..data_new"
	// stamp begins the name of a version.
	stamp = "..2006_01_02_15_04_05."
)

// Current returns the files of the version that stands; nil when there is none,
// or a link to it is missing.
func (d Dir) Current() map[string][]byte {
	entries, err := os.ReadDir(filepath.Join(d.Path, dataLink))
	if err != nil {
		return nil
	}
	files := map[string][]byte{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(d.Path, e.Name())) // by the link that others use
		if err != nil {
			return nil
		}
		files[e.Name()] = text
	}
	return files
}

// Publish puts files in the place of those that stand. Errors: what the file
// system says, or that a file is in the way which is not ours.
func (d Dir) Publish(files map[string][]byte, now time.Time) error {
	if err := os.MkdirAll(d.Path, d.dirMode()); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if err := d.free(name); err != nil {
			return err
		}
	}
	version, err := d.makeVersion(files, now)
	if err != nil {
		return err
	}
	old, _ := os.Readlink(filepath.Join(d.Path, dataLink)) // none at first
	if err := d.swap(version); err != nil {
		return err
	}
	if err := d.link(names); err != nil {
		return err
	}
	return d.touch(old, now)
}

// makeVersion writes a version that nothing leads to yet.
func (d Dir) makeVersion(files map[string][]byte, now time.Time) (name string, err error) {
	path, err := os.MkdirTemp(d.Path, now.UTC().Format(stamp))
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}()
	for name, text := range files {
		if err := d.writeFile(filepath.Join(path, name), text); err != nil {
			return "", err
		}
	}
	if err := d.own(path, d.dirMode()); err != nil {
		return "", err
	}
	return filepath.Base(path), flush(path)
}

// writeFile stores a file down to the disk: a machine that dies after the swap
// must not leave empty files behind the link.
func (d Dir) writeFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return d.own(path, d.Mode)
}

// own gives a path its owner and then its mode, which no umask cuts.
func (d Dir) own(path string, mode fs.FileMode) error {
	if d.UID >= 0 || d.GID >= 0 {
		if err := os.Lchown(path, d.UID, d.GID); err != nil {
			return fmt.Errorf("%w: run as that user, or with the capability CHOWN", err)
		}
	}
	return os.Chmod(path, mode)
}

// swap has the link lead to a version.
func (d Dir) swap(version string) error {
	fresh := filepath.Join(d.Path, newLink)
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(version, fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, filepath.Join(d.Path, dataLink)); err != nil {
		return err
	}
	return flush(d.Path)
}

// link makes the links that readers know, and removes those to files that are
// no more.
func (d Dir) link(names []string) error {
	for _, name := range names {
		err := os.Symlink(filepath.Join(dataLink, name), filepath.Join(d.Path, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) && d.isOurs(e.Name()) {
			if err := os.Remove(filepath.Join(d.Path, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d Dir) isOurs(name string) bool {
	to, err := os.Readlink(filepath.Join(d.Path, name))
	return err == nil && to == filepath.Join(dataLink, name)
}

// free refuses to take the place of what somebody else has put there.
func (d Dir) free(name string) error {
	path := filepath.Join(d.Path, name)
	if _, err := os.Lstat(path); err == nil && !d.isOurs(name) {
		return fmt.Errorf("%s: it is there already, and certwright did not write it: remove it, or choose another directory", path)
	}
	return nil
}

// touch wakes those who watch the files of a version that was replaced, and
// marks on its directory since when it is.
func (d Dir) touch(version string, now time.Time) error {
	path := filepath.Join(d.Path, version)
	entries, err := os.ReadDir(path)
	if version == "" || err != nil {
		return nil // somebody removed it: all the better
	}
	for _, e := range entries {
		if err := os.Chtimes(filepath.Join(path, e.Name()), now, now); err != nil {
			return err
		}
	}
	return os.Chtimes(path, now, now)
}

// Prune removes versions that were replaced, or begun and never finished, for
// longer than a time. It reports whether there are younger ones.
func (d Dir) Prune(after time.Duration, now time.Time) (more bool, err error) {
	entries, err := os.ReadDir(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	current, _ := os.Readlink(filepath.Join(d.Path, dataLink))
	for _, e := range entries {
		if !e.IsDir() || !isVersion(e.Name()) || e.Name() == current {
			continue
		}
		info, err := e.Info()
		if err == nil && now.Sub(info.ModTime()) < after {
			more = true
			continue
		}
		if err := os.RemoveAll(filepath.Join(d.Path, e.Name())); err != nil {
			return more, err
		}
	}
	return more, nil
}

// Remove takes away all that Publish put there.
func (d Dir) Remove() error {
	if err := d.link(nil); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(d.Path, dataLink)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, err := d.Prune(0, time.Now().Add(time.Hour))
	return err
}

func isVersion(name string) bool {
	if len(name) <= len(stamp) || !strings.HasPrefix(name, "..") {
		return false
	}
	_, err := time.Parse(stamp, name[:len(stamp)])
	return err == nil
}

// dirMode lets those search a directory who may read its files.
func (d Dir) dirMode() fs.FileMode { return d.Mode | d.Mode&0o444>>2 | 0o300 }

func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
