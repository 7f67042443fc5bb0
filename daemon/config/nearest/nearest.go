// Package nearest finds the word somebody most likely meant, for the "did you
// mean" of unknown flags, keys, controllers and environment variables.
package nearest

// Word returns the known word nearest to the given one, or "" when none is
// near enough to be a slip of the fingers: at most two edits, and never more
// than a third of the word, so that a short word does not match everything.
func Word(word string, known []string) string {
	best, bestEdits := "", min(2, len(word)/3)+1
	for _, k := range known {
		if e := edits(word, k); e < bestEdits {
			best, bestEdits = k, e
		}
	}
	return best
}

// Hint is Word as the end of a sentence: `; did you mean "x"?`, or nothing.
func Hint(word string, known []string) string {
	if w := Word(word, known); w != "" {
		return `; did you mean "` + w + `"?`
	}
	return ""
}

// edits counts insertions, deletions, replacements and swaps of neighbours
// (the optimal string alignment distance); a swap is the most common slip.
func edits(a, b string) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost(a[i] != b[j]))
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

func cost(differs bool) int {
	if differs {
		return 1
	}
	return 0
}
