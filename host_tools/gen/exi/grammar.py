"""EXI grammars of complex types: states with productions (EXI 1.0, 8.5.4).

A state lists what may come next, in the order of the event codes: attributes, elements in schema
order, wildcard, end of element, characters. Where EXI unrolls maxOccurs into copies of a state,
there is one state for all occurrences after the first; the last allowed occurrence leads on to the
state behind it, which is where the code width changes.
"""

# Classes of productions in the order of their event codes.
AT, SE, ANY, EE, CH = 0, 1, 2, 3, 4
_INCLUDE = 5  # while building: "and all that the other state allows"


class State:
    """productions: [(class, type, slot, next state [, maxOccurs or None, state when full])]; EE is
    (EE,)."""

    def __init__(self):
        self.productions = []


class Grammar:
    """The states of one complex type; `slots`: names of its slots in order; `lists`: those that
    hold lists."""

    def __init__(self, t):
        self.type = t
        self.slots = [a[0] for a in sorted(t.attrs)]
        self.lists = set()
        if t.simple:
            self.slots.append("value")
        for part in t.parts:
            self._name(part, False)
        if t.mixed:
            self._add("any", True)
        self.states = []
        end = self._state()
        end.productions.append((EE,))
        content = end
        if t.simple:
            content = self._state()
            content.productions.append((CH, t.simple, self.slots.index("value"), end))
        for part in reversed(t.parts):
            content = self._enter(part, content)
        if t.mixed:
            for state in self.states:
                state.productions.append((CH, None, self.slots.index("any"), state))
        for name, datatype, required in sorted(t.attrs, reverse=True):
            state = self._state()
            state.productions.append((AT, datatype, self.slots.index(name), content))
            if not required:
                state.productions.append((_INCLUDE, content))
            content = state
        self.start = content
        for state in self.states:
            state.final = self._resolve(state, [])
        for state in self.states:
            state.productions = state.final
        self.states = self._reachable()

    def _add(self, name, is_list):
        if name not in self.slots:
            self.slots.append(name)
        if is_list:
            self.lists.add(name)

    def _name(self, part, repeated):
        repeated = repeated or (part[2] != 1 and part[2] != 0)
        if part[0] in ("sequence", "choice"):
            for inner in part[3]:
                self._name(inner, repeated)
        elif part[0] == "any":
            self._add("any", True)
        else:
            self._add(part[3], repeated)

    def _state(self):
        state = State()
        self.states.append(state)
        return state

    def _once(self, part, after):
        """Productions that begin one occurrence of a particle and lead to `after`."""
        if part[0] == "sequence":
            for inner in reversed(part[3]):
                after = self._enter(inner, after)
            return [(_INCLUDE, after)]
        if part[0] == "choice":
            return [(_INCLUDE, self._enter(inner, after)) for inner in part[3]]
        if part[0] == "any":
            return [(ANY, None, self.slots.index("any"), after)]
        return [(SE, part[4], self.slots.index(part[3]), after)]

    def _enter(self, part, after):
        """The state before a particle, with all its occurrences; `after` is the state behind
        them."""
        low, high = part[1], part[2]
        first = self._state()
        if high == 1:
            first.productions += self._once(part, after)
        else:
            again = self._state()
            if part[0] == "element":
                production = (SE, part[4], self.slots.index(part[3]), again, high, after)
                first.productions.append(production)
                again.productions.append(production)
            elif high is None:
                again.productions += self._once(part, again)
                first.productions += self._once(part, again)
            else:
                raise ValueError("group with a finite maxOccurs above 1")
            again.productions.append((_INCLUDE, after))
        if low == 0:
            first.productions.append((_INCLUDE, after))
        elif low > 1:
            raise ValueError("minOccurs above 1")
        return first

    def _resolve(self, state, seen):
        if state in seen:
            return []
        seen.append(state)
        out = []
        for production in state.productions:
            if production[0] == _INCLUDE:
                out += [p for p in self._resolve(production[1], seen) if p not in out]
            elif production not in out:
                out.append(production)
        out.sort(key=lambda p: p[0])
        text = [p for p in out if p[0] == CH]
        if len(text) > 1:  # mixed content: characters stay where they are
            out = [p for p in out if p[0] != CH] + [p for p in text if p[3] is state or p is text[-1]][:1]
        return out

    def _reachable(self):
        out, todo = [], [self.start]
        while todo:
            state = todo.pop(0)
            if state in out:
                continue
            out.append(state)
            for production in state.productions:
                todo += [x for x in production[3:] if isinstance(x, State)]
        return out
