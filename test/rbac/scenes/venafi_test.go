package scenes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/certwright/certwright/test/harness"
)

// venafi is the stand-in of the product's own tests: what it is told in a request's
// name decides how it goes on.
var venafi struct {
	url     string
	ca      *harness.Authority
	process *harness.Process
}

func startVenafi(ctx context.Context, dir string) (err error) {
	program := filepath.Join(dir, "venafi-standin")
	if err := buildVenafi(ctx, program); err != nil {
		return err
	}
	ports, err := harness.FreePorts(1)
	if err != nil {
		return err
	}
	if venafi.ca, err = harness.NewRoot("Venafi's server"); err != nil {
		return err
	}
	server, err := venafi.ca.Server()
	if err != nil {
		return err
	}
	key, err := server.KeyPEM()
	if err != nil {
		return err
	}
	files := []string{filepath.Join(dir, "venafi.crt"), filepath.Join(dir, "venafi.key")}
	if err := errors.Join(os.WriteFile(files[0], server.PEM(), 0o600), os.WriteFile(files[1], key, 0o600)); err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	venafi.url = "https://" + address
	venafi.process, err = harness.StartProcess(harness.ProcessOptions{Name: "venafi-standin", Path: program, Dir: dir,
		Args: []string{"-listen", address, "-cert", files[0], "-key", files[1]}})
	if err != nil {
		return err
	}
	return venafi.process.Until(ctx, func(context.Context) error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// buildVenafi compiles it from the product's module, which this one does not import.
func buildVenafi(ctx context.Context, program string) error {
	root, err := harness.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", program,
		"./handlers/issuers/venafi/venafitest/standin")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the stand-in for Venafi: %w\n%s", err, said)
	}
	return nil
}
