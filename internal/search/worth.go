package search

// What a match is worth, in every engine. A word in a group of text counts its weight
// times its rarity; names that are, or begin with, what was typed get a bonus that words
// elsewhere do not outweigh.
const (
	BonusFQN         = 3000
	BonusName        = 2000
	BonusDisplayName = 1500
	BonusNameWords   = 1000 // the words of the name are those that were typed
	BonusFQNEnd      = 1000 // the full name ends with what was typed
	NearPenalty      = 0.4  // for a word that is only close to, or begins with, the one asked for
	NamePrefix       = 15   // percent for each typed word that a name begins with, all of them
	MaxPrefixWords   = 3    // so many count
	ShortName        = 1.5  // percent for each word that a name has less than LongNames
	LongNames        = 6    // words at which a name counts as long
)

// Boosts returns what the words of the text count in each group: the most that a field of
// the group says, or 1 in every group if there are no fields.
func (q MultiMatch) Boosts() map[Group]float64 {
	boosts := map[Group]float64{}
	for _, field := range q.Fields {
		path, _ := BasePath(field.Field)
		group, _ := GroupOf(path)
		if group == NoGroup {
			continue
		}
		boost := field.Boost
		if boost <= 0 {
			boost = 1
		}
		boosts[group] = max(boosts[group], boost)
	}
	if len(q.Fields) == 0 {
		for group := NoGroup + 1; group < Groups; group++ {
			boosts[group] = 1
		}
	}
	return boosts
}
