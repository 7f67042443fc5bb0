package lego

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/certwright/certwright/handlers/challenges/dns01/lego/protocol"
)

const (
	// maxOutput bounds what a child may say.
	maxOutput = 1 << 20
	// lastWords is what a killed child gets for its pipes to close.
	lastWords = 5 * time.Second
)

// passed on from the daemon: the way out of its network.
var passed = []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// run has one child carry out one request.
func (c *Call) run(ctx context.Context, program string, request protocol.Request) (protocol.Response, error) {
	child := exec.CommandContext(ctx, program)
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	child.Cancel = func() error { return syscall.Kill(-child.Process.Pid, syscall.SIGKILL) }
	child.WaitDelay = lastWords
	child.Dir = "/"
	env, files, err := c.environment()
	if err != nil {
		return protocol.Response{}, err
	}
	defer closeAll(files)
	child.Env, child.ExtraFiles = env, files
	stdout, stderr := &limited{}, &limited{}
	child.Stdout, child.Stderr = stdout, stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		return protocol.Response{}, err
	}
	if err := child.Start(); err != nil {
		return protocol.Response{}, fmt.Errorf("start %s: %w", protocol.Program, err)
	}
	// It stays open until the child has ended: its end tells the child of ours.
	err = json.NewEncoder(stdin).Encode(request)
	err = errors.Join(err, child.Wait())
	return c.read(ctx, stdout, stderr, err)
}

func (c *Call) read(ctx context.Context, stdout, stderr *limited, failure error) (protocol.Response, error) {
	var response protocol.Response
	if json.Unmarshal(stdout.Bytes(), &response) == nil {
		return response, nil
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return response, fmt.Errorf("the DNS provider %s has not finished in %s", c.Provider, patience)
	case ctx.Err() != nil:
		return response, ctx.Err()
	case failure == nil:
		failure = errors.New("it says nothing")
	}
	line, _, _ := strings.Cut(strings.TrimSpace(c.scrub(stderr.String())), "\n")
	return response, fmt.Errorf("%s for the DNS provider %s has failed (%w): %s", protocol.Program, c.Provider, failure, line)
}

// environment is all that the child sees.
func (c *Call) environment() (env []string, files []*os.File, err error) {
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	env = append(env, "HOME=/nonexistent", "LEGO_DISABLE_CNAME_SUPPORT="+strconv.FormatBool(!c.Follow))
	if !c.Ambient { // what asks nobody but the settings
		env = append(env, "AWS_EC2_METADATA_DISABLED=true", "GCE_METADATA_HOST=0.0.0.0:1", "AZURE_AUTH_METHOD=env")
	}
	for name, value := range c.Env {
		env = append(env, name+"="+value)
	}
	for name, content := range c.Files {
		file, err := pipe(content)
		if err != nil {
			closeAll(files)
			return nil, nil, fmt.Errorf("hand over %s: %w", name, err)
		}
		files = append(files, file)
		env = append(env, name+"=/dev/fd/"+strconv.Itoa(2+len(files)))
	}
	return env, files, nil
}

// pipe holds a content to be read once, so that no secret touches a disk. It
// must fit into the kernel's buffer of 64 KiB.
func pipe(content string) (*os.File, error) {
	if len(content) > 1<<16 {
		return nil, errors.New("it is larger than 64 KiB")
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	_, err = write.WriteString(content)
	if err = errors.Join(err, write.Close()); err != nil {
		_ = read.Close()
		return nil, err
	}
	return read, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// forms are how a secret may stand in a text.
func forms(secret string) []string {
	quoted := strconv.Quote(secret)
	return []string{
		secret, strings.TrimSpace(secret), url.QueryEscape(secret), url.PathEscape(secret), quoted[1 : len(quoted)-1],
		base64.StdEncoding.EncodeToString([]byte(secret)),
	}
}

// limited keeps the beginning of an output.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := maxOutput - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
