package commands

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"
)

// screen is a terminal while it shows something live: its other screen, without
// a cursor, and with keys that come at once. A nil screen is no terminal; it has
// no keys and never changes its size.
type screen struct {
	in, out *os.File
	before  *term.State
	color   bool
	pressed chan string
	sizes   <-chan os.Signal
	release func()
}

const (
	otherScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l" // other screen, no cursor, no wrapping
	ownScreen   = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	topLeft     = "\x1b[H"
	clearLine   = "\x1b[K" // clears to the end of the line
	clearBelow  = "\x1b[J" // clears to the end of the screen
)

// openScreen takes the terminal; nil when in and out are none.
func openScreen(in io.Reader, out io.Writer, environ []string) (*screen, error) {
	inFile, isFile := in.(*os.File)
	outFile, outIsFile := out.(*os.File)
	if !isFile || !outIsFile || !term.IsTerminal(int(inFile.Fd())) || !term.IsTerminal(int(outFile.Fd())) || slices.Contains(environ, "TERM=dumb") {
		return nil, nil
	}
	before, err := term.MakeRaw(int(inFile.Fd()))
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	s := &screen{in: inFile, out: outFile, before: before, color: colored(environ), pressed: make(chan string)}
	s.sizes, s.release = notifyResize()
	go s.read()
	if _, err := io.WriteString(outFile, otherScreen); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// colored follows NO_COLOR: set to anything but nothing, it means no colours.
func colored(environ []string) bool {
	return !slices.ContainsFunc(environ, func(e string) bool {
		value, ok := strings.CutPrefix(e, "NO_COLOR=")
		return ok && value != ""
	})
}

// close gives the terminal back as it was.
func (s *screen) close() {
	if s == nil {
		return
	}
	s.release()
	_, _ = io.WriteString(s.out, ownScreen)    // what cannot be written to needs no order
	_ = term.Restore(int(s.in.Fd()), s.before) // likewise
}

// read hands on keys until the terminal ends; it is left waiting for one when
// the program ends.
func (s *screen) read() {
	in := bufio.NewReader(s.in)
	for {
		key, err := readKey(in)
		if err != nil {
			key = "q" // nobody is there any more
		}
		s.pressed <- key
		if err != nil {
			return
		}
	}
}

// readKey reads one key: a byte, or an escape sequence as it comes in one piece.
func readKey(in *bufio.Reader) (string, error) {
	first, err := in.ReadByte()
	if err != nil {
		return "", err
	}
	key := []byte{first}
	if first != 0x1b {
		return string(key), nil
	}
	for in.Buffered() > 0 {
		next, err := in.ReadByte()
		if err != nil {
			return string(key), nil //nolint:nilerr // the rest of it will not come
		}
		key = append(key, next)
		if len(key) > 2 && (next == '~' || next >= 'A' && next <= 'Z' || next >= 'a' && next <= 'z') {
			break
		}
	}
	return string(key), nil
}

func (s *screen) keys() <-chan string {
	if s == nil {
		return nil
	}
	return s.pressed
}

func (s *screen) resized() <-chan os.Signal {
	if s == nil {
		return nil
	}
	return s.sizes
}

// size is in characters; that of the first terminals where it cannot be told.
func (s *screen) size() (width, height int) {
	width, height, err := term.GetSize(int(s.out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// draw shows lines in one write, over what was there, so that nothing flickers.
func (s *screen) draw(lines []string) error {
	_, err := io.WriteString(s.out, topLeft+strings.Join(lines, clearLine+"\r\n")+clearLine+clearBelow)
	return err
}
