package challenges

import "context"

// Quiet waits until nothing goes on any more that was begun beside the workers,
// for who lets others go on with the challenges. What was begun ends soon once
// the context of the calls that began it has ended. Errors: the end of ctx.
func (h *Handler) Quiet(ctx context.Context) error {
	for _, ended := range h.runs.underway() {
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// underway gives for each run the channel that is closed at its end.
func (r *runs) underway() (all []<-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, slots := range r.of {
		for v := range slots {
			if slots[v].cancel != nil {
				all = append(all, slots[v].ended)
			}
		}
	}
	return all
}
