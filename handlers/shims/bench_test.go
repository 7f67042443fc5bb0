package shims

import (
	"fmt"
	"testing"

	"github.com/certwright/certwright/queue"
)

// indexed answers from indexes, as the informers do, where world walks.
type indexed struct {
	*world
	asked int
}

func (x *indexed) NamesSecret(_ queue.Kind, _, secret string) []string {
	x.asked++
	return []string{secret}
}

// The work for one Ingress does not depend on how many others there are.
func TestWorkPerIngressIsConstant(t *testing.T) {
	t.Parallel()
	work := func(others int) int {
		x := many(t, others)
		key := queue.Key{Kind: queue.Ingress, Namespace: "shop", Name: "ingress-0"}
		if _, err := x.handler.Handle(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		return x.asked + x.reads
	}
	if one, thousand := work(1), work(1000); one != thousand {
		t.Errorf("%d questions to the cache beside one Ingress, %d beside a thousand", one, thousand)
	}
}

func many(t testing.TB, n int) *indexed {
	x := &indexed{world: newWorld(t)}
	for i := range n {
		name := fmt.Sprintf("ingress-%d", i)
		x.ingress(name, name, hosts(name+".test"), byIssuer()...)
	}
	x.handler.Cache = x
	return x
}

func BenchmarkHandle(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("beside %d", n), func(b *testing.B) {
			x := many(b, n)
			crt := wanted("ingress-0", "ingress-0", "ingress-0.test")
			x.put(crt)
			key := queue.Key{Kind: queue.Ingress, Namespace: "shop", Name: "ingress-0"}
			for b.Loop() {
				if _, err := x.handler.Handle(b.Context(), key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
