package shell

import (
	"net/http"
	"strings"

	"postern/shell/cut"
	"postern/shell/jsontext"
)

// conditional are the header fields whose values are entity tags.
var conditional = [...]struct{ name, member string }{{"If-Match", `"if-match":`}, {"If-None-Match", `"if-none-match":`}}

// appendConditions appends the members of headers for If-Match and If-None-Match, where there are any.
func (x *exchange) appendConditions(dst []byte, first int, r *http.Request, query string, c *compression) []byte {
	for _, field := range conditional {
		given := r.Header[field.name]
		if len(given) == 0 {
			continue
		}
		tags := c.uncoded(strings.Join(given, ", "), r.Header["Accept-Encoding"])
		if field.name == "If-Match" {
			// It takes no weak tags (RFC 9110, 13.1.1): they are made others than any there is. postern.conditions does so
			// with what is not cut.
			tags = strings.ReplaceAll(tags, `W/"`, `W/"-`)
		}
		x.json = append(x.json[:0], tags...)
		if x.cuts(query) {
			x.json = cut.AppendTags(x.json[:0], &x.values, tags)
		}
		dst = jsontext.AppendString(appendName(dst, first, field.member), x.json)
	}
	return dst
}

// ownTag begins the strong entity tags that postern makes (sql/render/tagged.sql).
const ownTag = `"~`

// isOwnTag reports whether the database has made an entity tag, and not code of the user's.
func isOwnTag(tag string) bool {
	return strings.HasPrefix(tag, ownTag) || strings.HasPrefix(tag, "W/"+ownTag)
}

// codedTag returns the entity tag of a representation in a content coding, which is not that of the plain one (RFC
// 9110, 8.8.3.3). Of a tag that is not ours nobody would know it again: it is made weak.
func codedTag(tag, coding string) string {
	switch {
	case strings.HasPrefix(tag, ownTag):
		return strings.TrimSuffix(tag, `"`) + "." + coding + `"`
	case strings.HasPrefix(tag, `"`):
		return "W/" + tag
	}
	return tag
}

// uncoded returns a request's entity tags as the database knows them: those of the answer's coding as the plain ones.
func (c *compression) uncoded(tags string, accept []string) string {
	if len(c.codings) == 0 || !strings.Contains(tags, ownTag) {
		return tags
	}
	if coding := c.choose(accept); coding != "" {
		return strings.ReplaceAll(tags, "."+coding+`"`, `"`)
	}
	return tags
}

// validated completes the header of an answer that has an entity tag of ours. Where the answer is 304 the tag is the
// one that the client has, which may be that of a compressed answer.
func (out *response) validated(header http.Header, status int) {
	tag := header.Get("Etag")
	if !isOwnTag(tag) {
		return
	}
	if exposed := header["Access-Control-Expose-Headers"]; exposed != nil {
		header["Access-Control-Expose-Headers"] = []string{exposed[0] + ", ETag"}
	}
	if status != http.StatusNotModified || len(out.st.compress.codings) == 0 {
		return
	}
	if coding := out.st.compress.choose(out.r.Header["Accept-Encoding"]); coding != "" {
		coded := codedTag(tag, coding)
		if strings.Contains(strings.Join(out.r.Header["If-None-Match"], ","), strings.TrimPrefix(coded, "W/")) {
			header["Etag"] = []string{coded}
		}
	}
}
