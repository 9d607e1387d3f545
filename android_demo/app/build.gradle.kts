plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "hanji.demo"
    compileSdk = libs.versions.compile.sdk.get().toInt()

    defaultConfig {
        applicationId = "hanji.demo"
        minSdk = libs.versions.min.sdk.get().toInt()
        targetSdk = libs.versions.target.sdk.get().toInt()
        versionCode = 1
        versionName = "0.1.0"
        ndk { abiFilters += "arm64-v8a" }
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    // The models lie in the APK as they are, so that the app reads them without unpacking.
    androidResources { noCompress += listOf("onnx", "json", "sha256", "md") }

    sourceSets["main"].assets.srcDir(layout.buildDirectory.dir("bundles"))
}

// The bundles that `make demo` writes; apk/assets.py says which of their files an app needs.
val bundles = tasks.register<Sync>("bundles") {
    val made = rootDir.resolve("../out")
    mapOf("recommender" to "demo", "classifier" to "demo-digits").forEach { (folder, name) ->
        from(made.resolve("$name/bundle")) {
            into(folder)
            exclude("tfjs/**", "*.tflite")
        }
    }
    into(layout.buildDirectory.dir("bundles"))
}

tasks.named("preBuild") { dependsOn(bundles) }

dependencies {
    implementation(project(":core"))
    implementation(libs.onnxruntime.android)
}
