//go:build linux

package main

import (
	"io"
	"net"
)

// forward passes connections at one address on to another, until stop.
func forward(from, to string) (stop func(), err error) {
	listener, err := net.Listen("tcp", from)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return // it was closed
			}
			go pass(in, to)
		}
	}()
	return func() { _ = listener.Close() }, nil
}

func pass(in net.Conn, to string) {
	defer in.Close()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return // the caller sees its connection end
	}
	defer out.Close()
	go func() {
		defer out.Close()
		_, _ = io.Copy(out, in)
	}()
	_, _ = io.Copy(in, out)
}
