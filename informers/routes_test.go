package informers

import (
	"testing"

	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func certificateKey(name string) queue.Key {
	return queue.Key{Kind: queue.Certificate, Namespace: "shop", Name: name}
}

func requestKey(name string) queue.Key {
	return queue.Key{Kind: queue.CertificateRequest, Namespace: "shop", Name: name}
}

func issuerKey(name string) queue.Key {
	return queue.Key{Kind: queue.Issuer, Namespace: "shop", Name: name}
}

func clusterIssuerKey(name string) queue.Key {
	return queue.Key{Kind: queue.ClusterIssuer, Name: name}
}

// routeRow is one event in a cluster, and whom it wakes.
type routeRow struct {
	name  string
	there []object
	event func(c *cluster)
	wakes []queue.Key
}

func testRoutes(t *testing.T, rows []routeRow, change ...func(*Options)) {
	t.Parallel()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, c *cluster) {
				c.put(row.there...)
				_, woken := c.watched(change...)
				row.event(c)
				if diff := woken.DiffKeys(row.wakes...); diff != "" {
					t.Errorf("keys (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func put(o object) func(*cluster)    { return func(c *cluster) { c.put(o) } }
func remove(o object) func(*cluster) { return func(c *cluster) { c.remove(o) } }

func TestRoutesFromCertificates(t *testing.T) {
	web, elsewhere := certificate("shop", "web", "web-tls"), certificate("shop", "web", "other-tls")
	rival, host := certificate("shop", "rival", "web-tls"), certificate("shop", "host", "other-tls")
	stranger := certificate("bank", "web", "web-tls")
	passwordUser := withPasswords(certificate("shop", "jks", "jks-tls"), "web-tls", "")
	testRoutes(t, []routeRow{
		{"created", []object{host, stranger}, put(web), []queue.Key{certificateKey("web")}},
		{"created, and its Secret's name is taken", []object{rival, stranger}, put(web), []queue.Key{certificateKey("web"), certificateKey("rival")}},
		{"whose Secret is only a password to another", []object{passwordUser}, put(web), []queue.Key{certificateKey("web")}},
		{"changed", []object{web, host}, put(web), []queue.Key{certificateKey("web")}},
		{"moved to another Secret", []object{web, rival, host, stranger}, put(elsewhere),
			[]queue.Key{certificateKey("web"), certificateKey("rival"), certificateKey("host")}},
		{"deleted", []object{web, rival, host}, remove(web), []queue.Key{certificateKey("web"), certificateKey("rival")}},
	})
}

func TestRoutesFromRequests(t *testing.T) {
	web := certificate("shop", "web", "web-tls")
	foreign := request("shop", "web-1", "Issuer", "ca")
	own := controlled(request("shop", "web-1", "Issuer", "ca"), web)
	observed := request("shop", "web-1", "Issuer", "ca")
	observed.OwnerReferences = []metav1.OwnerReference{{Kind: "Certificate", Name: "web", UID: web.UID}}
	ingress := request("shop", "web-1", "Issuer", "ca")
	yes := true
	ingress.OwnerReferences = []metav1.OwnerReference{{Kind: "Ingress", Name: "web", Controller: &yes}}
	both := []queue.Key{requestKey("web-1"), certificateKey("web")}
	testRoutes(t, []routeRow{
		{"created by another program", []object{web}, put(foreign), []queue.Key{requestKey("web-1")}},
		{"created for a Certificate", []object{web}, put(own), both},
		{"ended", []object{web, own}, put(ended(own, "Issued")), both},
		{"deleted", []object{web, own}, remove(own), both},
		{"of a Certificate that is gone", nil, put(own), both},
		{"with a Certificate as an owner that does not control it", []object{web}, put(observed), []queue.Key{requestKey("web-1")}},
		{"controlled by something else", []object{web}, put(ingress), []queue.Key{requestKey("web-1")}},
		{"adopted and let go", []object{web, own}, put(foreign), both},
	})
}

func TestRoutesFromIssuers(t *testing.T) {
	ca := issuer("shop", "ca", "ca-tls")
	waiting := []object{
		request("shop", "waits", "Issuer", "ca"),
		request("shop", "waits-too", "", "ca"), // the kind defaults to Issuer
		request("shop", "other-issuer", "Issuer", "cb"),
		request("shop", "cluster-issuer", "ClusterIssuer", "ca"),
		request("bank", "other-namespace", "Issuer", "ca"),
		ended(request("shop", "issued", "Issuer", "ca"), "Issued"),
		ended(request("shop", "failed", "Issuer", "ca"), "Failed"),
		ended(request("shop", "denied", "Issuer", "ca"), "Denied"),
		ended(request("shop", "pending", "Issuer", "ca"), "Pending"),
		external(request("shop", "external", "Issuer", "ca")),
	}
	wakes := []queue.Key{issuerKey("ca"), requestKey("waits"), requestKey("waits-too"), requestKey("pending")}
	testRoutes(t, []routeRow{
		{"created", waiting, put(ca), wakes},
		{"changed", append([]object{ca}, waiting...), put(ca), wakes},
		{"deleted", append([]object{ca}, waiting...), remove(ca), wakes},
	})
}

// external makes a request one for an issuer of another group.
func external(cr *cmapi.CertificateRequest) *cmapi.CertificateRequest {
	cr.Spec.IssuerRef.Group = "awspca.cert-manager.io"
	return cr
}

func TestRoutesFromClusterIssuers(t *testing.T) {
	ca := clusterIssuer("ca", "ca-tls")
	waiting := []object{
		request("shop", "waits", "ClusterIssuer", "ca"),
		request("shop", "other-issuer", "ClusterIssuer", "cb"),
		request("shop", "issuer", "Issuer", "ca"),
		request("bank", "other-namespace", "ClusterIssuer", "ca"),
		ended(request("shop", "issued", "ClusterIssuer", "ca"), "Issued"),
	}
	wakes := []queue.Key{clusterIssuerKey("ca"), requestKey("waits"),
		{Kind: queue.CertificateRequest, Namespace: "bank", Name: "other-namespace"}}
	testRoutes(t, []routeRow{
		{"created", waiting, put(ca), wakes},
		{"changed", append([]object{ca}, waiting...), put(ca), wakes},
		{"deleted", append([]object{ca}, waiting...), remove(ca), wakes},
	})
}

// Whoever made a Secret, it wakes those that name it.
func TestRoutesFromSecrets(t *testing.T) {
	there := []object{
		certificate("shop", "web", "tls"), certificate("shop", "rival", "tls"),
		withPasswords(certificate("shop", "keystores", "other"), "jks", "p12"),
		issuer("shop", "ca", "ca-tls"), issuer("bank", "ca", "ca-tls"), clusterIssuer("public", "ca-tls"),
		withKey(request("shop", "waits", "Issuer", "root"), "key"),
		ended(withKey(request("shop", "issued", "Issuer", "root"), "key"), "Issued"),
		withKey(request("bank", "elsewhere", "Issuer", "root"), "key"),
		request("shop", "unsigned", "Issuer", "ca"), request("shop", "unsigned-too", "ClusterIssuer", "public"),
		ended(request("shop", "signed", "Issuer", "ca"), "Issued"),
	}
	wakes := map[string][]queue.Key{
		"tls":    {certificateKey("web"), certificateKey("rival")},
		"jks":    {certificateKey("keystores")},
		"p12":    {certificateKey("keystores")},
		"ca-tls": {issuerKey("ca"), requestKey("unsigned")}, // and not the ClusterIssuer, whose Secret is in kube-system
		"key":    {requestKey("waits")},
		"nobody": nil,
	}
	var rows []routeRow
	for name, keys := range wakes {
		own, foreign := ownSecret("shop", name), foreignSecret("shop", name)
		rows = append(rows,
			routeRow{"own " + name + " created", there, put(own), keys},
			routeRow{"own " + name + " changed", append([]object{own}, there...), put(own), keys},
			routeRow{"own " + name + " deleted", append([]object{own}, there...), remove(own), keys},
			routeRow{"foreign " + name + " created", there, put(foreign), keys},
			routeRow{"foreign " + name + " changed", append([]object{foreign}, there...), put(foreign), keys},
			routeRow{"foreign " + name + " deleted", append([]object{foreign}, there...), remove(foreign), keys},
			routeRow{"own " + name + " loses its label", append([]object{own}, there...), put(foreign), keys},
			routeRow{"foreign " + name + " gets our label", append([]object{foreign}, there...), put(own), keys},
		)
	}
	cluster := []queue.Key{clusterIssuerKey("public"), requestKey("unsigned-too")}
	rows = append(rows,
		routeRow{"own Secret for cluster resources", there, put(ownSecret("kube-system", "ca-tls")), cluster},
		routeRow{"foreign Secret for cluster resources", there, put(foreignSecret("kube-system", "ca-tls")), cluster})
	testRoutes(t, rows)
}

// A next-private-key Secret belongs to its Certificate.
func TestRoutesFromKeySecrets(t *testing.T) {
	web := certificate("shop", "web", "web-tls")
	key := keySecretOf(web, "web-0815")
	waits := withKey(request("shop", "web-1", "Issuer", "root"), "web-0815")
	testRoutes(t, []routeRow{
		{"created", []object{web}, put(key), []queue.Key{certificateKey("web")}},
		{"created, and a request waits for it", []object{web, waits}, put(key), []queue.Key{certificateKey("web"), requestKey("web-1")}},
		{"deleted", []object{web, key}, remove(key), []queue.Key{certificateKey("web")}},
	})
}

// Every key is put on the queue when the daemon starts, so that it looks at
// all there is once.
func TestTheFirstListWakesEverything(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(certificate("shop", "web", "tls"), request("shop", "web-1", "Issuer", "ca"),
			issuer("shop", "ca", "ca-tls"), clusterIssuer("public", "ca-tls"), foreignSecret("shop", "nobodys"))
		set := New(c.options())
		woken := recorderOf(set)
		c.run(set)
		if diff := woken.DiffKeys(certificateKey("web"), requestKey("web-1"), issuerKey("ca"), clusterIssuerKey("public")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}
