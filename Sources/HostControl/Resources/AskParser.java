import java.lang.reflect.InvocationTargetException;
import java.util.Properties;

/**
 * Asks the ZooKeeper on the class path what its own parser makes of configuration files; nothing is started.
 *
 * What it finds are lines on standard output, among whatever ZooKeeper logs there: the version, and for each file an answer, empty
 * when the file was accepted. By reflection, so that it is compiled without ZooKeeper and for each of its versions.
 */
public final class AskParser {
    public static void main(String[] files) {
        try {
            Class<?> parser = Class.forName("org.apache.zookeeper.server.quorum.QuorumPeerConfig");
            tell("version", version());
            for (String file : files) {
                tell("answer", answer(parser, file));
            }
        } catch (Throwable problem) {
            tell("obstacle", problem.toString());
        }
    }

    private static String version() throws Exception {
        Class<?> info = Class.forName("org.apache.zookeeper.version.Info");
        StringBuilder text = new StringBuilder();
        for (String part : new String[] {"MAJOR", "MINOR", "MICRO"}) {
            text.append(text.length() == 0 ? "" : ".").append(info.getField(part).get(null));
        }
        return text.toString();
    }

    /** What a file sets for the whole JVM is not there any more for the next one. */
    private static String answer(Class<?> parser, String file) throws Exception {
        set(parser, "setStandaloneEnabled", true);
        set(parser, "setReconfigEnabled", false);
        Properties before = new Properties();
        before.putAll(System.getProperties());
        try {
            parser.getMethod("parse", String.class).invoke(parser.getConstructor().newInstance(), file);
            return "";
        } catch (InvocationTargetException refusal) {
            return words(refusal.getCause());
        } finally {
            System.setProperties(before);
        }
    }

    private static void set(Class<?> parser, String name, boolean value) throws Exception {
        try {
            parser.getMethod(name, boolean.class).invoke(null, value);
        } catch (NoSuchMethodException old) {
            return;
        }
    }

    /** The outermost only says that the file could not be processed. */
    private static String words(Throwable refusal) {
        Throwable cause = refusal.getCause();
        if (cause != null && cause != refusal && String.valueOf(refusal.getMessage()).startsWith("Error processing")) {
            return words(cause);
        }
        String message = refusal.getMessage();
        String text = message == null ? refusal.getClass().getName() : message;
        return refusal instanceof NumberFormatException ? "not a number: " + text : text;
    }

    private static void tell(String what, String text) {
        System.out.println("mitosis-" + what + " " + text.replace('\n', ' ').replace('\r', ' '));
    }
}
