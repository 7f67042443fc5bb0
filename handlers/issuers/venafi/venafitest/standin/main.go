// Command standin serves the stand-in for Venafi with TLS, for tests that need
// it in a process of its own.
package main

import (
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/certwright/certwright/handlers/issuers/venafi/venafitest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve on")
	certificate := flag.String("cert", "", "file of the server's certificate, PEM")
	key := flag.String("key", "", "file of its key, PEM")
	flag.Parse()
	handler, err := venafitest.New()
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}
