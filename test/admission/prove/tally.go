package main

import (
	"context"
	"fmt"

	"github.com/certwright/certwright/test/admission"
)

// tally counts what came of the cases.
type tally struct {
	verbose                                 bool
	cases, refused, accepted, disagreements int
}

func (t *tally) String() string {
	return fmt.Sprintf("cases %d refused-as-expected %d accepted-as-expected %d disagreements %d", t.cases, t.refused, t.accepted, t.disagreements)
}

// ask puts cases to both sides. An error means that one gave no answer at all.
func (t *tally) ask(ctx context.Context, s *server, cases []admission.Case) error {
	for _, c := range cases {
		t.cases++
		agree := true
		for side, answer := range map[admission.Side]func(admission.Case) (admission.Verdict, error){
			admission.Rules:  admission.OnRules,
			admission.Server: func(c admission.Case) (admission.Verdict, error) { return s.ask(ctx, c) },
		} {
			if !c.Asks(side) {
				continue
			}
			verdict, err := answer(c)
			if err != nil {
				return fmt.Errorf("%s: %s gave no answer: %w", c.Name, side, err)
			}
			if err := c.Judge(side, verdict); err != nil {
				fmt.Println("disagreement:", err)
				agree = false
			}
			if t.verbose && side == admission.Server && verdict.Refused {
				fmt.Printf("%s\n    %s\n", c.Name, verdict.Message)
			}
		}
		t.count(c, agree)
	}
	return nil
}

func (t *tally) count(c admission.Case, agree bool) {
	switch {
	case !agree:
		t.disagreements++
	case c.Field != "":
		t.refused++
	default:
		t.accepted++
	}
}
