package shell

import (
	"math/bits"
	"strconv"

	"postern/shell/cut"
)

// maxCost returns what the plan of a statement of a role may cost, 0 for any.
func (st *state) maxCost(role string) int {
	if own, ok := st.costs[role]; ok {
		return own
	}
	return st.config.DBMaxCost
}

// largeValue is from how many bytes on the length of a value is part of the shape where there is a limit to costs.
const largeValue = 256

// appendSizes appends the member sizes, how long long values are to a factor of four: a plan for 100,000 keys costs
// more than one for ten, and a generic plan counts ten, so that lists that differ much are judged each.
func appendSizes(dst []byte, values *cut.Values) []byte {
	first := true
	for i := range values.Len() {
		size := len(values.At(i))
		if size < largeValue {
			continue
		}
		if first {
			dst = append(dst, `,"sizes":"`...)
			first = false
		}
		dst = strconv.AppendInt(append(dst, ' '), int64(i), 10)
		dst = strconv.AppendInt(append(dst, ':'), int64(bits.Len(uint(size))/2), 10)
	}
	if !first {
		dst = append(dst, '"')
	}
	return dst
}
