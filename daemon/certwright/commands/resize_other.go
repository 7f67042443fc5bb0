//go:build !unix

package commands

import "os"

// notifyResize tells nothing here: the screen follows when it is drawn again,
// a second later.
func notifyResize() (sizes <-chan os.Signal, release func()) { return nil, func() {} }
