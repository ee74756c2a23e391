package embedded

import (
	"encoding/binary"

	"github.com/RoaringBitmap/roaring/v2"
)

// A posting is stored as a list of differences while it is short, which most
// are, and as a roaring bitmap beyond.
const (
	formatList   = 0
	formatBitmap = 1
	listAtMost   = 64
)

// appendPosting writes a set.
func appendPosting(set *roaring.Bitmap) ([]byte, error) {
	if set.GetCardinality() > listAtMost {
		set.RunOptimize()
		blob, err := set.ToBytes()
		return append([]byte{formatBitmap}, blob...), err
	}
	blob := []byte{formatList}
	previous := uint32(0)
	for _, doc := range set.ToArray() {
		blob = binary.AppendUvarint(blob, uint64(doc-previous))
		previous = doc
	}
	return blob, nil
}

// addPosting adds a stored set to the set. It keeps nothing of blob.
func addPosting(set *roaring.Bitmap, blob []byte) error {
	if len(blob) == 0 {
		return nil
	}
	switch blob[0] {
	case formatList:
		doc := uint32(0)
		for rest := blob[1:]; len(rest) > 0; {
			step, n := binary.Uvarint(rest)
			if n <= 0 {
				return errDamaged
			}
			doc += uint32(step)
			set.Add(doc)
			rest = rest[n:]
		}
		return nil
	case formatBitmap:
		stored := roaring.New()
		if err := stored.UnmarshalBinary(blob[1:]); err != nil {
			return errDamaged
		}
		set.Or(stored)
		return nil
	}
	return errDamaged
}
