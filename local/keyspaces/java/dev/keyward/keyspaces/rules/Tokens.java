package dev.keyward.keyspaces.rules;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import org.antlr.runtime.ANTLRStringStream;
import org.antlr.runtime.Token;
import org.apache.cassandra.cql3.CqlLexer;

/**
 * A text as Cassandra's lexer splits it, for what only Keyspaces reads.
 *
 * @param all without blanks and comments
 */
record Tokens(List<Token> all) {
    static Tokens of(String text) {
        List<Token> found = new ArrayList<>();
        CqlLexer lexer = new CqlLexer(new ANTLRStringStream(text));
        for (Token token = lexer.nextToken(); token.getType() != Token.EOF; token = lexer.nextToken())
            if (token.getChannel() == Token.DEFAULT_CHANNEL)
                found.add(token);
        return new Tokens(found);
    }

    /** The word at a place, in capitals; empty for what is quoted and behind the end. */
    String word(int place) {
        if (place >= all.size() || isQuoted(place))
            return "";
        return all.get(place).getText().toUpperCase(Locale.US);
    }

    /** The name at a place, folded as CQL folds it. */
    String name(int place) {
        String text = all.get(place).getText();
        return isQuoted(place) ? text : text.toLowerCase(Locale.US);
    }

    /** The first of some words that stands in the text. */
    Optional<String> named(Collection<String> words) {
        for (int place = 0; place < all.size(); place++)
            if (words.contains(word(place)))
                return Optional.of(word(place));
        return Optional.empty();
    }

    private boolean isQuoted(int place) {
        int type = all.get(place).getType();
        return type == CqlLexer.QUOTED_NAME || type == CqlLexer.STRING_LITERAL;
    }
}
