package dev.keyward.differential;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.cassandra.cql3.CQLFragmentParser;
import org.apache.cassandra.cql3.CqlParser;

/**
 * Tells what Cassandra's own parser makes of statements: standard input to standard output, both in length-prefixed
 * UTF-8. A block of statements is read whole before the first answer, so that neither side waits for the other.
 *
 * <p>An answer is a list of marked strings. `S` and a class begins a statement, those in a batch follow theirs; then
 * come `K` and a keyspace, `N` and a name in it or in the keyspace in use, `C` for a condition, `U` and a column that
 * is set. No strings at all: it is not CQL. Names are found by reflection, the same for Cassandra 3.11 and 5.0, whose
 * statements have different fields.
 */
public final class ParserOracle {
    private static final Set<String> NAMES = Set.of("QualifiedName", "CFName", "IndexName", "UTName");
    private static final Set<String> KEYSPACES = Set.of("keyspaceName", "keyspace");
    private static final Set<String> CONDITIONS = Set.of("ifExists", "ifNotExists");
    private static final Map<Class<?>, List<Field>> FIELDS = new HashMap<>();

    private ParserOracle() {}

    public static void main(String[] arguments) throws IOException, ReflectiveOperationException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));
        System.setOut(new PrintStream(System.err, true, StandardCharsets.UTF_8)); // Cassandra's log is no answer
        List<String> block = new ArrayList<>();
        while (read(in, block)) {
            for (String text : block) {
                List<String> answer = parse(text);
                out.writeInt(answer.size());
                for (String part : answer)
                    write(out, part);
            }
            out.flush();
        }
    }

    private static boolean read(DataInputStream in, List<String> block) throws IOException {
        block.clear();
        int count;
        try {
            count = in.readInt();
        } catch (EOFException end) {
            return false;
        }
        for (int i = 0; i < count; i++)
            block.add(new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8));
        return true;
    }

    private static void write(DataOutputStream out, String part) throws IOException {
        byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static List<String> parse(String text) throws ReflectiveOperationException {
        List<String> answer = new ArrayList<>();
        Object statement;
        try {
            statement = CQLFragmentParser.parseAny(CqlParser::query, text, "statement");
        } catch (RuntimeException | StackOverflowError notCql) {
            return answer;
        }
        if (statement != null)
            describe(statement, answer);
        return answer;
    }

    private static void describe(Object statement, List<String> answer) throws ReflectiveOperationException {
        String name = statement.getClass().getName();
        answer.add("S" + name.substring(name.lastIndexOf('.') + 1));
        List<Object> children = new ArrayList<>();
        for (Field field : fields(statement.getClass())) {
            Object value = field.get(statement);
            if (value == null)
                continue;
            String type = value.getClass().getSimpleName();
            if (NAMES.contains(type))
                describeName(value, type, answer);
            else if (value instanceof String && isKeyspace(field))
                answer.add("K" + value);
            else if (CONDITIONS.contains(field.getName()) && value.equals(true))
                answer.add("C");
            else if (field.getName().equals("conditions") && value instanceof List<?> list && !list.isEmpty())
                answer.add("C");
            else if (field.getName().equals("updates") && value instanceof List<?> updates)
                for (Object update : updates)
                    answer.add("U" + update.getClass().getField("left").get(update));
            else if (field.getName().equals("parsedStatements") && value instanceof List<?> list)
                children.addAll(list);
        }
        for (Object child : children)
            describe(child, answer);
    }

    private static boolean isKeyspace(Field field) {
        return KEYSPACES.contains(field.getName())
                || field.getName().equals("name") && field.getDeclaringClass().getSimpleName().contains("Keyspace");
    }

    private static void describeName(Object name, String type, List<String> answer)
            throws ReflectiveOperationException {
        Object keyspace = call(name, "getKeyspace");
        if (keyspace != null)
            answer.add("K" + keyspace);
        Object element = switch (type) {
            case "QualifiedName" -> call(name, "getName");
            case "CFName" -> call(name, "getColumnFamily");
            case "IndexName" -> call(name, "getIdx");
            default -> call(name, "getStringTypeName");
        };
        if (element != null)
            answer.add("N" + element);
    }

    private static Object call(Object object, String method) throws ReflectiveOperationException {
        Method found = object.getClass().getMethod(method);
        found.setAccessible(true); // 3.11 declares some in classes of the package
        return found.invoke(object);
    }

    private static List<Field> fields(Class<?> type) {
        List<Field> known = FIELDS.get(type);
        if (known != null)
            return known;
        List<Field> found = new ArrayList<>();
        for (Class<?> owner = type; owner != Object.class; owner = owner.getSuperclass())
            for (Field field : owner.getDeclaredFields())
                if (!Modifier.isStatic(field.getModifiers())) {
                    field.setAccessible(true);
                    found.add(field);
                }
        FIELDS.put(type, found);
        return found;
    }
}
